"""The first two steps: the mail address, from which everything else follows, and the administrator's password."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from app.errors import MailError, Refusal
from app.operations.adminpassword import hash_password
from app.web.forms import Change, Form
from quickstart.machine import needs_root
from quickstart.options import (
    Options,
    guess_hostname,
    parse_first_address,
    parse_hostname,
    parse_nat_ips,
    parse_user,
)
from quickstart.pages.visit import Page, Visit
from quickstart.steps import Step
from quickstart.system import System
from quickstart.terminal import root_command


async def show_address(visit: Visit) -> Response:
    return _address_page(visit, Form.showing(_present(visit)))


def _present(visit: Visit) -> dict[str, str]:
    """The fields as they are decided now."""
    options = visit.draft.options
    return {
        "address": str(options.address) if options else "",
        "hostname": options.hostname.ascii if options and options.hostname else "",
        "system_user": options.user if options else "",
        "nat_ips": " ".join(map(str, options.nat_ips)) if options else "",
        "own_certificate": "yes" if options and options.own_certificate else "",
    }


def _address_page(visit: Visit, form: Form, status: int = 200, changes: Sequence[Change] = ()) -> Response:
    suggestion = ""
    with contextlib.suppress(Refusal):
        domain = parse_first_address(form.value("address").strip()).domain
        suggestion = guess_hostname(domain, visit.wizard.world.machine.hostname()).ascii
    world = visit.wizard.world
    values: dict[str, object] = {
        "form": form,
        "suggestion": suggestion,
        "changes": changes,
        "was": _present(visit),
        "is_behind_nat": visit.draft.options is not None and not visit.draft.network.ips,
        "outside": " ".join(map(str, visit.draft.network.outside)),
        "root_command": root_command(world.archive, world.program) if needs_root(world.machine) else "",
    }
    return visit.render("address.html", status, **values)


async def save_address(visit: Visit) -> Response:
    form, wizard = visit.form, visit.wizard
    address = form.parsed("address", parse_first_address)
    hostname = form.parsed("hostname", parse_hostname, required=False)
    user = form.parsed("system_user", parse_user, required=False) or ""
    nat_ips = form.parsed("nat_ips", parse_nat_ips, required=False) or ()
    if user and "system_user" not in form.errors:
        _check_user(form, user, wizard.world.system)
    if not form.is_ok or address is None:
        return _address_page(visit, form, 422)
    if changes := form.changed(_present(visit)):
        return _address_page(visit, form, 409, changes)
    present = visit.draft.options
    options = Options(
        address=address,
        hostname=hostname,
        user=user,
        own_certificate=form.flag("own_certificate"),
        skip_dial=present.skip_dial if present else False,
        nat_ips=nat_ips,
    )
    network = await wizard.network(options)
    is_changed = present is not None and replace(present, existing_webserver=False) != options
    kept = options if is_changed or present is None else present
    wizard.save(replace(visit.draft.passing(Step.ADDRESS, changed=is_changed), options=kept, network=network))
    return visit.go_on()


def _check_user(form: Form, user: str, system: System) -> None:
    if user.isdigit() and not system.has_user(user):
        form.fail("system_user", "There is no user with this number.")


async def show_password(visit: Visit) -> Response:
    return visit.render("password.html", is_set=bool(visit.draft.admin_hash))


async def save_password(visit: Visit) -> Response:
    form = visit.form
    if visit.draft.admin_hash and not form.value("password"):
        return visit.go_on()
    password = form.password("password")
    if form.is_ok and form.value("again") != password:
        form.fail("again", "This is not the same as above.")
    hashed = ""
    if form.is_ok:
        try:
            hashed = await asyncio.to_thread(hash_password, password)
        except MailError as error:
            form.fail("password", f"{str(error)[:1].upper()}{str(error)[1:]}.")
    if not form.is_ok:
        return visit.render("password.html", 422, form=form, is_set=bool(visit.draft.admin_hash))
    visit.wizard.save(replace(visit.draft.passing(Step.PASSWORD), admin_hash=hashed))
    return visit.go_on()


PAGES = (
    Page("/address", Step.ADDRESS, show_address),
    Page("/address", Step.ADDRESS, save_address, "POST"),
    Page("/password", Step.PASSWORD, show_password),
    Page("/password", Step.PASSWORD, save_password, "POST"),
)
