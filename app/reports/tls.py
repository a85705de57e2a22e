"""One TLS report: how connections of a day to a domain fared, to each address it names (RFC 8460 §3, §5.3).

Only what failed is reason for a report, unless OutgoingTLSReportsForAllSuccess says that all is. The mail asks for no
TLS (RFC 8689 §5), or a domain with broken TLS would never hear that it is broken. Destinations with https: are passed
over. Without a DKIM key of our own nobody would believe the report, so none is sent.
"""

from __future__ import annotations

import gzip
from typing import Final

from app import VERSION
from app.clock import utc
from app.log import logger
from app.metrics import counter, histogram
from app.reports import letter
from app.reports.letter import Composed, Letter
from app.reports.setup import Setup
from app.store.queuerecords import Report
from app.store.reportsuppression import Kind
from app.store.tlsresults import DAY_S, DayOfDomain
from app.trust import tlsrpt
from app.trust.lookup import LookupFailed
from app.wire.message.compose import attachment, multipart, text, wrap
from app.wire.message.header import Field
from app.wire.reports import tlswriting
from app.wire.reports.tls import TlsPolicy, TlsReport
from app.wire.smtp.address import Address

MAX_ADDRESSES: Final = 10  # of one domain
_TEXT: Final = """
This is a report about TLS: how connections fared that {host} made on {day} (UTC) to deliver mail to {domain}.
{successful} were encrypted as they should be, {failed} were not. It was asked for by the TLSRPT record of the domain.
The attached file has the details as JSON in gzip.
"""

log = logger("reports")
_QUEUED = counter("tlsrptsend_report_queued_total", "TLS reports that were queued for others.")
_lookups = histogram("tlsrpt_lookup_duration_seconds", "Questions whether a domain wants TLS reports.", ("result",))


def can_send(setup: Setup) -> bool:
    """Whether there is a key to sign with."""
    return bool(letter.selectors_of(setup, setup.hostname))


async def report(setup: Setup, day: DayOfDomain) -> bool:
    """Queue the reports about a day; False when it must be tried again because DNS did not tell."""
    wants_all = setup.live.directory.static.outgoing_tls_reports_for_all_success
    if day.is_optional or not (day.has_reason or wants_all):
        return True
    started, result = setup.clock.monotonic(), "temperror"
    try:
        asked = await tlsrpt.lookup(setup.resolver, day.domain)
        result = "ok" if asked.uris else "none"
    except LookupFailed:
        return False
    finally:
        _lookups.labels(result).observe(setup.clock.monotonic() - started)
    addresses = list(dict.fromkeys(one.address for one in asked.uris if one.address is not None))[:MAX_ADDRESSES]
    policies = tuple(await setup.server.tls_results.policies(day)) if addresses else ()
    for address in addresses if policies else ():
        if await setup.server.suppressions.holds(Kind.TLS, address):
            continue
        is_new = await letter.send(setup, _letter(setup, day, policies, address))
        _QUEUED.inc(is_new)
        log.info("TLS report", domain=day.domain, to=address, failed=day.failed, new=is_new)
    return True


def _letter(setup: Setup, day: DayOfDomain, policies: tuple[TlsPolicy, ...], to: Address) -> Composed:
    host, domain, end = setup.hostname.ascii, day.domain.ascii, day.day + DAY_S - 1
    number = letter.number_of("tls", host, domain, day.day)
    told = TlsReport(
        organisation=host,
        contact=f"postmaster@{host}",
        report_id=f"{number}@{host}",
        begin=day.day,
        end=end,
        policies=policies,
    )
    date = utc(day.day).strftime("%Y-%m-%d")
    words = wrap(_TEXT.format(host=host, domain=domain, day=date, successful=day.successful, failed=day.failed))
    packed = attachment(
        "application/tlsrpt+gzip",
        gzip.compress(tlswriting.write(told), mtime=0),
        f"{host}!{domain}!{day.day}!{end}.json.gz",  # RFC 8460 §5.1
    )
    return letter.compose(
        setup,
        Letter(
            number=number,
            to=to,
            subject=f"Report Domain: {domain} Submitter: {host} Report-ID: <{number}@{host}>",
            content=multipart("report", [text(f"{words}\nmox {VERSION}\n"), packed], [Field("report-type", "tlsrpt")]),
            report=Report.TLS,
            fields=(
                Field("TLS-Report-Domain", domain),
                Field("TLS-Report-Submitter", host),
                Field("TLS-Required", "No"),
            ),
        ),
    )
