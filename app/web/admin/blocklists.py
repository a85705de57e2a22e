"""Whether addresses of this server are on block lists, and which lists to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from app.errors import ConfigError, WireError
from app.operations import ownlistings
from app.operations.ownlistings import ListState
from app.trust.lookup import LookupFailed
from app.web.faults import explain
from app.web.forms import Form
from app.web.visit import Visit, action, page
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import IPAddress

PATIENCE_S = 20.0


async def _show(visit: Visit) -> Response:
    monitored = visit.services.live.dynamic.monitor_dnsbls
    return await _page(visit, Form.showing({"zones": "\n".join(map(str, monitored))}))


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    live, problem = visit.services.live, ""
    zones = ownlistings.zones_of(live.static, live.dynamic)
    ips: Sequence[IPAddress] = ()
    states: Sequence[ListState] = ()
    try:
        async with asyncio.timeout(PATIENCE_S):
            ips = await ownlistings.own_addresses(live.static, visit.services.resolver)
            states = await ownlistings.own_listings(visit.services.resolver, zones, ips)
    except LookupFailed as error:
        problem = f"The addresses of this server cannot be looked up: {error.reason}."
    except TimeoutError:
        problem = "DNS takes too long to answer; please look again in a while."
    return visit.render(
        "admin/blocklists.html",
        status,
        form=form,
        ips=ips,
        states=states,
        zones=zones,
        problem=problem,
        monitored="\n".join(map(str, live.dynamic.monitor_dnsbls)),
        usual=ownlistings.USUAL,
    )


async def _save(visit: Visit) -> Response:
    form = await visit.form()
    zones = _zones(form)
    if form.is_ok:
        try:
            await asyncio.to_thread(ownlistings.set_monitored, visit.services.live, zones, visit.by)
        except ConfigError as error:
            explain(form, error, "zones")
    if not form.is_ok:
        return await _page(visit, form, 422)
    return visit.redirect("/blocklists", done="Saved.")


def _zones(form: Form) -> list[Domain]:
    found: list[Domain] = []
    for line in form.lines("zones", max_length=253):
        try:
            found.append(parse_domain(line))
        except WireError as error:
            form.fail("zones", f"{line} is no domain name: {error.message}.")
    if len(found) > ownlistings.MAX_ZONES:
        form.fail("zones", f"Please give at most {ownlistings.MAX_ZONES} lists.")
    return list(dict.fromkeys(found))


ROUTES = (page("/blocklists", _show), action("/blocklists", _save))
