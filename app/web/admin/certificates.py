"""The certificates of the server: those that come by themselves with how that goes, and those in files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from app.certificates.upkeep import State
from app.errors import MailError
from app.operations import automaticcertificates
from app.operations.certificates import certificates
from app.web.errors import NotFound
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page
from app.wire.smtp.address import parse_address


@dataclass(frozen=True, slots=True)
class Row:
    """A name with its certificate: a badge's kind and words, and the state behind them."""

    state: State
    kind: str
    words: str


def row_of(state: State, now: float) -> Row:
    """How a certificate that comes by itself is shown."""
    if state.is_under_way:
        return Row(state, "waiting", "being asked for")
    if state.kept is None:
        return Row(state, "bad" if state.failed else "waiting", "none yet")
    if state.kept.ends <= now:
        return Row(state, "bad", "expired")
    return Row(state, "warn" if state.failed else "ok", "renewal fails" if state.failed else "in use")


async def automatic(visit: Visit) -> list[Row]:
    """Those that come by themselves."""
    upkeep = visit.services.certificates
    if upkeep is None:
        return []
    now = visit.services.clock.now()
    return [row_of(state, now) for state in await upkeep.states()]


async def _show(visit: Visit) -> Response:
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    live = visit.services.live
    return visit.render(
        "admin/certificates.html",
        status,
        form=form,
        rows=await automatic(visit),
        files=await asyncio.to_thread(certificates, live),
        listeners=automaticcertificates.candidates(live.static),
        needs_restart=live.static_file.needs_restart,
    )


async def _use(visit: Visit) -> Response:
    """Have certificates come from Let's Encrypt from the next start on."""
    form = await visit.form()
    contact = form.parsed("contact", parse_address)
    if not form.flag("agreed"):
        form.fail("agreed", "Without that Let's Encrypt gives no certificates.")
    if contact is not None and form.is_ok:
        live = visit.services.live
        try:
            await asyncio.to_thread(automaticcertificates.use_letsencrypt, live, contact, by=visit.by)
        except MailError as error:
            explain(form, error, "contact")
    if not form.is_ok:
        return await _page(visit, form, 422)
    return visit.redirect("/certificates", done="mox.conf is changed. Start the server again, and certificates come.")


async def _try(visit: Visit) -> Response:
    name = (await visit.form()).value("name")
    upkeep = visit.services.certificates
    if upkeep is None or all(one.wanted.name != name for one in await upkeep.states()):
        raise NotFound("no certificate is asked for this name (any more)")
    await upkeep.try_now(name)
    return visit.redirect("/certificates", done=f"A certificate for {name} is asked for now. Look again in a minute.")


ROUTES = (
    page("/certificates", _show),
    action("/certificates/try", _try),
    action("/certificates/automatic", _use),
)
