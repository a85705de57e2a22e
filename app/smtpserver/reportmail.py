"""Reports that other servers send about mail in our name: kept for the admin pages, when who sends them is proved.

A message to an address for DMARC or TLS reports has been accepted before it comes here, and is delivered whatever is
found. What cannot be used gets the field X-Mox-DMARCReport-Error or X-Mox-TLSReport-Error with the reason in front.

A DMARC report counts when the message passes DMARC; a TLS report when the domain of its author, or one above it in the
organisation, has signed it with a key for such reports or for any (RFC 8460 §3; a signature that leaves out a part of
the body has not passed). The policy must be of a domain of ours, and the report must not end in the future. Reports are
read in a thread, at most two at a time. What a stranger wrote raises nothing here.
"""

from __future__ import annotations

import asyncio
from typing import Final

from app import metrics
from app.clock import Clock
from app.config.lookup import Destined, Directory, Purpose
from app.errors import MailError
from app.log import logger
from app.smtpserver.evidence import Evidence
from app.smtpserver.work import Work
from app.store.receivedreports import ReceivedReports
from app.trust.dmarc.suffixes import organisation
from app.wire.domain import Domain
from app.wire.message import packed
from app.wire.message.compose import fold
from app.wire.reports import attached, dmarc, tls
from app.wire.reports.dmarc import DmarcReport
from app.wire.reports.tls import TlsReport
from app.wire.reports.values import BadReport

MAX_FUTURE_S: Final = 60  # clocks differ
FIELDS: Final = {
    Purpose.DMARC_REPORTS: "X-Mox-DMARCReport-Error",
    Purpose.TLS_REPORTS: "X-Mox-TLSReport-Error",
    Purpose.HOST_TLS_REPORTS: "X-Mox-TLSReport-Error",
}

_DKIM_RESULTS = frozenset(("none", "pass", "fail", "policy", "neutral", "temperror", "permerror"))
_SPF_RESULTS = frozenset(("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"))
TLS_RESULTS = frozenset(
    (
        *("starttls-not-supported", "certificate-host-mismatch", "certificate-not-trusted", "certificate-expired"),
        *("validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error"),
        *("sts-policy-invalid", "sts-webpki-invalid"),
    )
)

log = logger("smtpserver")

_EVALUATED = metrics.counter(
    "dmarcdb_policy_evaluated_total",
    "Messages in our name that reports of others tell of, by what was done.",
    ("disposition", "dkim", "spf"),
)
_DKIM = metrics.counter("dmarcdb_dkim_result_total", "Results of DKIM in reports of others.", ("result",))
_SPF = metrics.counter("dmarcdb_spf_result_total", "Results of SPF in reports of others.", ("result",))
_SESSIONS = metrics.counter("tlsrptdb_session_total", "Connections that TLS reports of others tell of.", ("type",))


def is_for_reports(destined: Destined) -> bool:
    """Whether reports are what the address is for."""
    return destined.purpose in FIELDS


async def keep(work: Work, destined: Destined) -> bytes:
    """Keep the report in the message; the field that says why it cannot be used, or b""."""
    reports = work.resources.reports
    if reports is None or not is_for_reports(destined):
        return b""
    try:
        if destined.purpose is Purpose.DMARC_REPORTS:
            await _keep_dmarc(work, reports)
        else:
            await _keep_tls(work, reports)
    except BadReport as error:
        log.info("report cannot be used", cid=work.cid, address=destined.destination_key, reason=error.message)
        return _field(destined.purpose, error.message)
    except MailError as error:
        log.warn("report cannot be kept", cid=work.cid, address=destined.destination_key, err=error)
        return _field(destined.purpose, "the report cannot be kept now")
    return b""


def _field(purpose: Purpose, words: str) -> bytes:
    return fold(FIELDS[purpose], "".join(char if " " <= char <= "~" else "?" for char in words))


async def _keep_dmarc(work: Work, reports: ReceivedReports) -> None:
    if work.evidence is not None and not work.evidence.passes_dmarc:
        raise BadReport("the message does not pass DMARC, so nobody can tell who sent the report")
    async with reports.turns:
        report = await asyncio.to_thread(_read_dmarc, work)
        if not _is_ours(work.resources.directory, report.policy.domain):
            raise BadReport(f"the report is about {report.policy.domain.ascii}, which is no domain of ours")
        _check_end(report.end, work.resources.clock)
        is_new = await reports.add_dmarc(report, _reporter(work.evidence))
    log.info("DMARC report", cid=work.cid, domain=report.policy.domain, by=report.organisation, new=is_new)
    if is_new:
        _count_dmarc(report)


async def _keep_tls(work: Work, reports: ReceivedReports) -> None:
    if work.evidence is not None and not has_signed(work.evidence):
        raise BadReport("the domain of the author has not signed the message (DKIM) with a key for TLS reports")
    async with reports.turns:
        report = await asyncio.to_thread(_read_tls, work)
        ours = tuple(one for one in report.policies if _is_ours(work.resources.directory, one.domain))
        if not ours:
            names = ", ".join(dict.fromkeys(one.domain.ascii for one in report.policies[:3])) or "no domain"
            raise BadReport(f"the report is about {names}, not about a domain of ours")
        _check_end(report.end, work.resources.clock)
        is_new = await reports.add_tls(report, ours, _reporter(work.evidence))
    log.info("TLS report", cid=work.cid, domain=ours[0].domain, by=report.organisation, new=is_new)
    if is_new:
        for policy in ours:
            _count_tls(policy)


def _read_dmarc(work: Work) -> DmarcReport:
    return dmarc.parse(_content(work, attached.DMARC))


def _read_tls(work: Work) -> TlsReport:
    return tls.parse(_content(work, attached.TLS))


def _content(work: Work, kind: attached.Kind) -> bytes:
    return attached.find_report(work.prepared.body.data, packed.unpack(work.prepared.parts), kind)


def _is_ours(directory: Directory, domain: Domain) -> bool:
    return domain in directory.dynamic.domains or domain in directory.hostnames


def _check_end(end: int, clock: Clock) -> None:
    if end > clock.now() + MAX_FUTURE_S:
        raise BadReport("the report ends in the future")


def _reporter(evidence: Evidence | None) -> str:
    """Who has proved to be the author; "" for mail that never left this machine."""
    return evidence.author.domain.ascii if evidence is not None and evidence.author is not None else ""


def has_signed(evidence: Evidence) -> bool:
    """Whether the author's domain, or one above it in the organisation, vouches for a TLS report."""
    if evidence.author is None:
        return False
    domain = evidence.author.domain
    return any(
        domain.is_subdomain_of(signer) and organisation(signer) == organisation(domain)
        for signer in evidence.report_signers
    )


def _known(word: str, words: frozenset[str]) -> str:
    return word if word in words else "other"


def _count_dmarc(report: DmarcReport) -> None:
    for row in report.rows:
        results = ("pass" if row.dkim else "fail", "pass" if row.spf else "fail")
        _EVALUATED.labels(row.disposition.value, *results).inc(row.count)
        for one in row.dkim_results:
            _DKIM.labels(_known(one.result, _DKIM_RESULTS)).inc(row.count)
        for one in row.spf_results:
            _SPF.labels(_known(one.result, _SPF_RESULTS)).inc(row.count)


def _count_tls(policy: tls.TlsPolicy) -> None:
    _SESSIONS.labels("success").inc(policy.successful)
    for one in policy.failures:
        _SESSIONS.labels(_known(one.result, TLS_RESULTS)).inc(one.sessions)
