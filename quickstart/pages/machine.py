"""The checks of the machine, each row from waiting to its result, and the way to ask one again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from starlette.responses import Response

from quickstart.pages.visit import Page, Visit
from quickstart.steps import Step


async def show(visit: Visit) -> Response:
    visit.wizard.start_checks()
    return visit.render("machine.html", **_values(visit))


async def state(visit: Visit) -> Response:
    visit.wizard.start_checks()
    return visit.fragment("machine-state.html", **_values(visit))


def _values(visit: Visit) -> dict[str, object]:
    findings = visit.wizard.findings
    return {"rows": findings.rows(), "is_complete": findings.is_complete, "blocking": findings.blocking}


async def ask_again(visit: Visit) -> Response:
    """One check, or all."""
    key = visit.form.value("check")
    if not visit.wizard.findings.ask_again(key):
        visit.wizard.start_checks(anew=True)
    return visit.go(Step.MACHINE)


async def go_on(visit: Visit) -> Response:
    wizard = visit.wizard
    wizard.start_checks()
    await wizard.findings.wait()
    if wizard.findings.blocking:
        return visit.render("machine.html", 409, **_values(visit), stopped=True)
    taken = await asyncio.to_thread(wizard.are_web_ports_taken)
    draft = replace(visit.draft.passing(Step.MACHINE), web_ports_taken=taken)
    if not taken and draft.options is not None:
        draft = replace(draft, options=replace(draft.options, existing_webserver=False))
    wizard.save(draft)
    return visit.go_on()


PAGES = (
    Page("/machine", Step.MACHINE, show),
    Page("/machine", Step.MACHINE, go_on, "POST"),
    Page("/machine/state", Step.MACHINE, state),
    Page("/machine/again", Step.MACHINE, ask_again, "POST"),
)
