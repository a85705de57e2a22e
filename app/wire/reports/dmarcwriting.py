"""Writes a DMARC report as XML by the schema of RFC 7489 appendix C, so that `dmarc.parse` reads the same from it.

Elements stand in the order of the schema, as some readers insist on it. Text is made printable and escaped, as names in
it come from strangers. RFC 9990 keeps these elements; its namespace is left out, as not all readers know it yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from app.wire.reports import values
from app.wire.reports.dmarc import AuthResult, DmarcReport, DmarcRow, PublishedPolicy


def write(report: DmarcReport) -> bytes:
    """The XML."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<feedback>",
        "<version>1.0</version>",
        *_metadata(report),
        *_policy(report.policy),
    ]
    for row in report.rows:
        lines += _record(row)
    lines.append("</feedback>\n")
    return "\n".join(lines).encode()


def _metadata(report: DmarcReport) -> Iterable[str]:
    yield "<report_metadata>"
    yield _element("org_name", report.organisation)
    yield _element("email", report.email)
    if report.contact:
        yield _element("extra_contact_info", report.contact)
    yield _element("report_id", report.report_id)
    yield f"<date_range><begin>{report.begin}</begin><end>{report.end}</end></date_range>"
    yield from (_element("error", one) for one in report.errors)
    yield "</report_metadata>"


def _policy(policy: PublishedPolicy) -> Iterable[str]:
    yield "<policy_published>"
    yield _element("domain", policy.domain.ascii)
    yield _element("adkim", policy.dkim_alignment or "r")
    yield _element("aspf", policy.spf_alignment or "r")
    yield _element("p", policy.policy)
    yield _element("sp", policy.subdomain_policy or policy.policy)
    yield f"<pct>{100 if policy.percentage is None else policy.percentage}</pct>"
    yield "</policy_published>"


def _record(row: DmarcRow) -> Iterable[str]:
    yield "<record>"
    yield f"<row>{_element('source_ip', str(row.source or ''))}<count>{row.count}</count>"
    yield f"<policy_evaluated><disposition>{row.disposition.value}</disposition>"
    yield f"<dkim>{_word(row.dkim)}</dkim><spf>{_word(row.spf)}</spf>"
    yield from map(_reason, row.reasons)
    yield "</policy_evaluated></row>"
    to = _element("envelope_to", row.envelope_to) if row.envelope_to else ""
    names = _element("envelope_from", row.envelope_from) + _element("header_from", row.header_from)
    yield f"<identifiers>{to}{names}</identifiers>"
    yield "<auth_results>"
    yield from (_result("dkim", one) for one in row.dkim_results)
    yield from (_result("spf", one) for one in row.spf_results)
    yield "</auth_results>"
    yield "</record>"


def _reason(written: str) -> str:
    kind, _, comment = written.partition(": ")
    told = _element("comment", comment) if comment else ""
    return f"<reason>{_element('type', kind)}{told}</reason>"


def _result(name: str, one: AuthResult) -> str:
    selector = _element("selector", one.selector) if one.selector else ""
    scope = _element("scope", one.scope) if one.scope else ""
    words = _element("human_result", one.words) if one.words else ""
    # RFC 7489 appendix C: of DKIM the words come last, SPF has none.
    return f"<{name}>{_element('domain', one.domain)}{selector}{scope}{_element('result', one.result)}{words}</{name}>"


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(values.text(text))}</{name}>"
