"""The web server that has ports 80 and 443: who it is, and how it passes on what mail needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from app.errors import MailError
from quickstart.install import text_of
from quickstart.pages.visit import Page, Visit
from quickstart.proxies import names_of, snippets
from quickstart.proxytest import Reached, try_names
from quickstart.steps import Step


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, results: Sequence[Reached] = (), failure: str = "") -> Response:
    names = names_of(visit.wizard.answers)
    holders = [
        holder.program
        for port in (80, 443)
        for holder in await visit.wizard.world.machine.listeners(port)
        if holder.program
    ]
    values: dict[str, object] = {
        "names": names,
        "snippets": snippets(names),
        "holders": list(dict.fromkeys(holders)),
        "results": results,
        "failure": failure,
        "was_asked": Step.WEBSERVER in visit.draft.passed,
    }
    return visit.render("webserver.html", **values)


async def test(visit: Visit) -> Response:
    """Ask the web server for each name."""
    try:
        results = await try_names(names_of(visit.wizard.answers).files, visit.wizard.world.resolver)
    except MailError as error:
        return await _page(visit, failure=text_of(error))
    return await _page(visit, results)


async def go_on(visit: Visit) -> Response:
    draft = visit.draft.passing(Step.WEBSERVER)
    assert draft.options is not None
    stays = visit.form.value("how") != "replace"
    options = replace(draft.options, existing_webserver=stays)
    visit.wizard.save(replace(draft, options=options))
    return visit.go_on()


PAGES = (
    Page("/webserver", Step.WEBSERVER, show),
    Page("/webserver", Step.WEBSERVER, go_on, "POST"),
    Page("/webserver/test", Step.WEBSERVER, test, "POST"),
)
