"""TLS reports that this server sends: how its connections to others fared, and addresses that get no reports."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from app.log import logger
from app.store.reportsuppression import Kind
from app.store.tlsresults import DAY_S
from app.trust import tlsrpt
from app.trust.lookup import LookupFailed
from app.trust.tlsrpt import Asked
from app.web.admin.reportwords import POLICIES, meaning
from app.web.admin.sentreports import Suppression, first_form
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.visit import PageRoute, Visit, action, page
from app.wire.domain import Domain

MAX_LISTED: Final = 500
PATIENCE_S: Final = 10.0
PATH: Final = "/reports/tls-sent"

_log = logger("http")


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    services = visit.services
    static = services.live.static
    days = await services.server.tls_results.days(limit=MAX_LISTED)
    return visit.render(
        "admin/tls-sent.html",
        status,
        form=form,
        days=[(one, one.day + DAY_S) for one in reversed(days)],
        most=MAX_LISTED,
        suppressed=await services.server.suppressions.all(Kind.TLS),
        is_off=static.no_outgoing_tls_reports,
        tells_all=static.outgoing_tls_reports_for_all_success,
        path=PATH,
    )


_SUPPRESSION: Final = Suppression(Kind.TLS, PATH, _page)


async def _show(visit: Visit) -> Response:
    return await _SUPPRESSION.show(visit, first_form(visit.services.clock.now()))


async def _show_domain(visit: Visit) -> Response:
    results = visit.services.server.tls_results
    days = await results.days(visit.params["domain"]) if visit.params["domain"] else ()
    if not days:
        raise NotFound("Nothing is known of connections to this domain (any more).")
    return visit.render(
        "admin/tls-sent-domain.html",
        domain=days[0].domain.ascii,
        is_host=days[0].is_host,
        days=[(one, await results.policies(one)) for one in reversed(days)],
        kinds=POLICIES,
        meaning=meaning,
        asked=await _asked(visit, days[0].domain),
        path=PATH,
    )


async def _asked(visit: Visit, domain: Domain) -> Asked:
    """What the domain asks for now."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await tlsrpt.lookup(visit.services.resolver, domain)
    except (LookupFailed, TimeoutError):
        return Asked(fault="DNS does not tell now whether it asks for reports")


async def _remove(visit: Visit) -> Response:
    domain = (await visit.form()).value("domain")
    await visit.services.server.tls_results.remove_domain(domain)
    _log.info("results for a TLS report removed", domain=domain, by=visit.by)
    return visit.redirect(PATH, done=f"{domain} gets no report about what is removed.")


ROUTES: tuple[PageRoute, ...] = (
    page(PATH, _show),
    action(f"{PATH}/remove", _remove),
    *_SUPPRESSION.routes,
    page(f"{PATH}/domain/{{domain}}", _show_domain),
)
