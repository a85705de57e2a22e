"""Review of everything that will be written, and the installation with its progress."""

from __future__ import annotations

from starlette.responses import Response

from quickstart.apply import SERVICE_FILE
from quickstart.machine import needs_root
from quickstart.pages.visit import Page, Visit
from quickstart.steps import Step


async def show_review(visit: Visit) -> Response:
    wizard = visit.wizard
    generated = await wizard.generated()
    user = generated.static.user or "mox"
    values: dict[str, object] = {
        "generated": generated,
        "directory": wizard.world.directory,
        "user": user,
        "has_user": wizard.world.system.has_user(user),
        "is_root": wizard.world.machine.is_root(),
        "needs_root": needs_root(wizard.world.machine),
        "has_systemd": wizard.world.system.has_systemd(),
        "service_file": SERVICE_FILE,
        "mox_conf": generated.mox_conf.decode(),
        "domains_conf": generated.domains_conf.decode(),
    }
    return visit.render("review.html", **values)


async def accept_review(visit: Visit) -> Response:
    visit.wizard.save(visit.draft.passing(Step.REVIEW))
    await visit.wizard.install()
    return visit.go(Step.INSTALL)


async def show_install(visit: Visit) -> Response:
    return visit.render("install.html", installer=visit.wizard.installer)


async def install_state(visit: Visit) -> Response:
    return visit.fragment("install-state.html", installer=visit.wizard.installer)


async def install(visit: Visit) -> Response:
    """Begin, or begin again what failed or was interrupted."""
    await visit.wizard.install()
    return visit.go(Step.INSTALL)


PAGES = (
    Page("/review", Step.REVIEW, show_review),
    Page("/review", Step.REVIEW, accept_review, "POST"),
    Page("/install", Step.INSTALL, show_install),
    Page("/install", Step.INSTALL, install, "POST"),
    Page("/install/state", Step.INSTALL, install_state),
)
