"""Reports that other servers sent: who sends mail in our name (DMARC), and whether mail to us was encrypted (TLS).

What reports say together comes first, in words with what to do; then where it comes from, each report, and its rows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Final

from starlette.responses import Response

from app.config.dynamic import ConfigDomain
from app.config.static import Static
from app.store import receiveddmarc, receivedtls
from app.store.receiveddmarc import ListedDmarc
from app.web.admin.queue import number_of
from app.web.admin.queueview import read_query
from app.web.admin.reportwords import DISPOSITIONS, POLICIES, meaning, result_words, view_source
from app.web.errors import NotFound
from app.web.forms import Form
from app.web.visit import Visit, page
from app.wire.smtp.address import IPAddress

PERIODS: Final = (
    ("7", "the last 7 days"),
    ("30", "the last 30 days"),
    ("90", "the last 90 days"),
    ("366", "the last year"),
)
USUAL: Final = "30"
DAY_S: Final = 24 * 3600.0

GONE = "This report is not kept (any more)."


async def _show_dmarc(visit: Visit) -> Response:
    form, since = _period(visit)
    read = visit.services.server.reports.read
    reports = await read(lambda db: receiveddmarc.reports(db, since))
    own = own_ips(visit.services.live.static)
    sources = [view_source(one, own) for one in await read(lambda db: receiveddmarc.sources(db, since))]
    return visit.render(
        "admin/dmarc-reports.html",
        form=form,
        periods=PERIODS,
        days=int(form.value("days")),
        summaries=await read(lambda db: receiveddmarc.summaries(db, since)),
        policies=_policies(reports),
        failing=[one for one in sources if not one.source.has_passed],
        passing=[one for one in sources if one.source.has_passed],
        reports=reports,
        most=receiveddmarc.MAX_LISTED,
        waiting=_waiting(visit, lambda config: config.dmarc is not None),
    )


def _policies(reports: Sequence[ListedDmarc]) -> dict[str, str]:
    """The policy that the newest report of each domain tells of."""
    return {one.domain: one.policy for one in reversed(reports)}


async def _show_one_dmarc(visit: Visit) -> Response:
    number = number_of(visit.params["id"])
    read = visit.services.server.reports.read
    report = await read(lambda db: receiveddmarc.find(db, number or 0))
    if report is None:
        raise NotFound(GONE)
    return visit.render(
        "admin/dmarc-report.html",
        report=report,
        rows=await read(lambda db: receiveddmarc.rows_of(db, report.id)),
        most=receiveddmarc.MAX_SHOWN_ROWS,
        dispositions=DISPOSITIONS,
        result_words=result_words,
    )


async def _show_tls(visit: Visit) -> Response:
    form, since = _period(visit)
    read = visit.services.server.reports.read
    return visit.render(
        "admin/tls-reports.html",
        form=form,
        periods=PERIODS,
        days=int(form.value("days")),
        summaries=await read(lambda db: receivedtls.summaries(db, since)),
        failures=await read(lambda db: receivedtls.failures(db, since)),
        reports=await read(lambda db: receivedtls.reports(db, since)),
        most=receivedtls.MAX_LISTED,
        meaning=meaning,
        waiting=_waiting(visit, lambda config: config.tlsrpt is not None),
    )


async def _show_one_tls(visit: Visit) -> Response:
    number = number_of(visit.params["id"])
    read = visit.services.server.reports.read
    report = await read(lambda db: receivedtls.find(db, number or 0))
    if report is None:
        raise NotFound(GONE)
    return visit.render(
        "admin/tls-report.html",
        report=report,
        policies=await read(lambda db: receivedtls.policies_of(db, report.id)),
        kinds=POLICIES,
        meaning=meaning,
    )


def _period(visit: Visit) -> tuple[Form, float]:
    """The days that are shown, and the moment when they begin."""
    asked = read_query(visit.request.url.query).value("days")
    days = asked if asked in dict(PERIODS) else USUAL
    return Form.showing({"days": days}), visit.services.clock.now() - int(days) * DAY_S


def _waiting(visit: Visit, asks: Callable[[ConfigDomain], bool]) -> list[tuple[str, bool]]:
    """Our domains, and whether they have an address for such reports."""
    return [(domain.ascii, asks(config)) for domain, config in visit.services.live.dynamic.domains.items()]


def own_ips(static: Static) -> list[IPAddress]:
    """The addresses from which this server sends, as far as the configuration names them."""
    named = (ipaddress.ip_address(str(ip)) for one in static.listeners.values() for ip in (*one.ips, *one.nat_ips))
    return [ip for ip in named if not ip.is_unspecified]


ROUTES = (
    page("/reports/dmarc", _show_dmarc),
    page("/reports/dmarc/{id}", _show_one_dmarc),
    page("/reports/tls", _show_tls),
    page("/reports/tls/{id}", _show_one_tls),
)
