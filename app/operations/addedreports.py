"""Adds reports of other servers by hand: those that came elsewhere, or before this server was there.

Whoever adds one vouches for it: nothing is checked but that it can be read and is about a domain of ours.
"""

from __future__ import annotations

from enum import Enum

from app.config.live import Live
from app.errors import Refusal
from app.store.receivedreports import ReceivedReports
from app.wire.domain import Domain
from app.wire.message.part import parse_message
from app.wire.reports import attached, dmarc, tls
from app.wire.reports.values import BadReport


class Kind(Enum):
    """What a report is about."""

    DMARC = "dmarc"
    TLS = "tls"


async def add(live: Live, reports: ReceivedReports, kind: Kind, message: bytes, reporter: Domain) -> bool:
    """Add the report in a message; False when it is here already. Raises Refusal."""
    try:
        found = attached.find_report(
            message, parse_message(message), attached.DMARC if kind is Kind.DMARC else attached.TLS
        )
        if kind is Kind.DMARC:
            return await _add_dmarc(live, reports, dmarc.parse(found), reporter)
        return await _add_tls(live, reports, tls.parse(found), reporter)
    except BadReport as error:
        raise Refusal(f"this is no report that can be used: {error.message}") from None


async def _add_dmarc(live: Live, reports: ReceivedReports, report: dmarc.DmarcReport, reporter: Domain) -> bool:
    _require_ours(live, [report.policy.domain])
    return await reports.add_dmarc(report, reporter.ascii)


async def _add_tls(live: Live, reports: ReceivedReports, report: tls.TlsReport, reporter: Domain) -> bool:
    _require_ours(live, [one.domain for one in report.policies])
    ours = [one for one in report.policies if _is_ours(live, one.domain)]
    return await reports.add_tls(report, ours, reporter.ascii)


def _require_ours(live: Live, domains: list[Domain]) -> None:
    if not any(_is_ours(live, domain) for domain in domains):
        names = ", ".join(sorted({domain.ascii for domain in domains})[:3]) or "no domain"
        raise Refusal(f"the report is about {names}, not about a domain of this server")


def _is_ours(live: Live, domain: Domain) -> bool:
    return domain in live.dynamic.domains or domain in live.directory.hostnames
