"""One DMARC report: what is known of a period, to each address that the domain names now (RFC 7489 §7.2).

The record is looked up again, as the domain may have changed its mind. An address in another organisation must agree
(§7.1). A report that is larger than an address allows (`!10m`) is not sent there; when it could be sent nowhere, those
addresses get a short mail that says so (§7.2.2). Addresses other than mail are passed over.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app import VERSION
from app.clock import utc
from app.log import logger
from app.metrics import counter
from app.reports import letter
from app.reports.letter import Composed, Letter
from app.reports.setup import Setup
from app.store.evaluations import Period
from app.store.queuerecords import Report
from app.store.reportsuppression import Kind
from app.trust.dmarc.discovery import Tree
from app.trust.dmarc.record import ReportUri
from app.trust.dmarc.reporting import Consent, check_destination
from app.trust.lookup import LookupFailed
from app.wire.domain import Domain
from app.wire.message.compose import attachment, multipart, text, wrap
from app.wire.reports import dmarcwriting
from app.wire.reports.dmarc import DmarcReport
from app.wire.smtp.address import Address

MAX_ADDRESSES: Final = 10  # of one domain

log = logger("reports")
_QUEUED = counter("dmarcdb_report_queued_total", "DMARC reports that were queued for others.")

_TEXT: Final = """
This is a report by DMARC about mail that {host} received in the name of {domain}, from {begin} to {end} UTC. It was
asked for by the DMARC record of the domain. The attached file has it as XML in gzip.
"""
_TOO_LARGE: Final = """\
Report-Domain: {domain}
Report-Submitter: {host}
Report-ID: {number}
Report-Size: {size}
Submitting-URI: {uri}

The DMARC report about mail in the name of this domain is larger than
the address in its DMARC record allows, so it was not sent.
"""


@dataclass(slots=True)
class Recipients:
    """Where a report may go."""

    uris: list[ReportUri] = field(default_factory=list)
    is_unsure: bool = False  # DNS did not tell of some; they may be asked again


async def report(setup: Setup, period: Period) -> bool:
    """Queue the reports of a period; False when it must be tried again because DNS did not tell."""
    try:
        published = await Tree(setup.resolver).published(period.domain)
    except LookupFailed:
        return False
    uris = published.record.aggregate if published.record is not None else ()
    recipients = await _recipients(setup, period.domain, uris)
    if recipients.uris:
        await _send(setup, period, recipients.uris)
    return not recipients.is_unsure


async def _recipients(setup: Setup, domain: Domain, uris: Sequence[ReportUri]) -> Recipients:
    found = Recipients()
    known: set[Address] = set()
    for uri in [one for one in uris if one.address is not None][:MAX_ADDRESSES]:
        checked = await check_destination(setup.resolver, domain, uri)
        if checked.consent is Consent.UNKNOWN:
            found.is_unsure = True
        elif not checked.may_send:
            log.info("no DMARC report is sent", domain=domain, to=uri.address, reason=checked.words)
        for one in (checked.instead or (uri,)) if checked.may_send else ():
            if one.address is None or one.address in known or len(known) >= MAX_ADDRESSES:
                continue
            known.add(one.address)
            if not await setup.server.suppressions.holds(Kind.DMARC, one.address):
                found.uris.append(one)
    return found


async def _send(setup: Setup, period: Period, uris: Sequence[ReportUri]) -> None:
    made = await _write(setup, period)
    if made is None:
        return
    letters = [(uri, _letter(setup, period, made, uri)) for uri in uris]
    fitting = [one for uri, one in letters if not uri.max_bytes or len(one.data) <= uri.max_bytes]
    for one in fitting or [_too_large(setup, period, uri, len(one.data)) for uri, one in letters]:
        is_new = await letter.send(setup, one)
        _QUEUED.inc(is_new)
        log.info("DMARC report", domain=period.domain, to=one.letter.to, messages=period.messages, new=is_new)


async def _write(setup: Setup, period: Period) -> bytes | None:
    """The XML; None when there is nothing to tell (any more)."""
    policy, rows = await setup.server.evaluations.rows(period)
    if policy is None:
        return None
    host = setup.hostname
    told = DmarcReport(
        organisation=host.ascii,
        email=f"postmaster@{host.ascii}",
        report_id=_number(setup, period),
        begin=period.begin,
        end=period.end - 1,
        policy=policy,
        rows=tuple(rows),
    )
    return dmarcwriting.write(told)


def _letter(setup: Setup, period: Period, xml: bytes, uri: ReportUri) -> Composed:
    host, domain = setup.hostname.ascii, period.domain.ascii
    begin, end = (utc(moment).strftime("%Y-%m-%d %H:%M:%S") for moment in (period.begin, period.end - 1))
    words = wrap(_TEXT.format(host=host, domain=domain, begin=begin, end=end))
    # RFC 7489 §7.2.1.1
    filename = f"{host}!{domain}!{period.begin}!{period.end - 1}.xml.gz"
    packed = attachment("application/gzip", gzip.compress(xml, mtime=0), filename)
    return letter.compose(
        setup,
        Letter(
            number=_number(setup, period),
            to=_address(uri),
            subject=_subject(setup, period),
            content=multipart("mixed", [text(f"{words}\nmox {VERSION}\n"), packed]),
            report=Report.DMARC,
        ),
    )


def _too_large(setup: Setup, period: Period, uri: ReportUri, size: int) -> Composed:
    host, number = setup.hostname.ascii, _number(setup, period)
    words = _TOO_LARGE.format(domain=period.domain.ascii, host=host, number=number, size=size, uri=uri.uri)
    subject = f"DMARC report was too large: {_subject(setup, period)}"
    about = Letter(
        number=f"{number} too large", to=_address(uri), subject=subject, content=text(words), report=Report.DMARC
    )
    return letter.compose(setup, about)


def _address(uri: ReportUri) -> Address:
    assert uri.address is not None, "others were passed over"
    return uri.address


def _number(setup: Setup, period: Period) -> str:
    return letter.number_of(setup.hostname.ascii, period.domain.ascii, period.begin, period.end)


def _subject(setup: Setup, period: Period) -> str:
    """RFC 7489 §7.2.1.1"""
    host = setup.hostname.ascii
    return f"Report Domain: {period.domain.ascii} Submitter: {host} Report-ID: <{_number(setup, period)}@{host}>"
