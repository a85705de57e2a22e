"""TLS reports: how other servers fared with the encryption of connections to ours (RFC 8460 §4.3, §4.4).

    report = parse(json)

The depth and the number of elements are looked at before the JSON is read, so that reading it can neither recurse far
nor fill the memory. What is a list of one may be written without the list, a number as text, and `null` for what is
not there. Needed are a report id, the times, and the domain of each policy. Raises BadReport.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.wire.domain import Domain
from app.wire.reports import values
from app.wire.reports.values import BadReport
from app.wire.smtp.address import IPAddress

MAX_DEPTH: Final = 12  # the standard has six
MAX_ELEMENTS: Final = 400_000  # brackets and commas
MAX_POLICIES: Final = 1000
MAX_FAILURES: Final = 5000  # in all policies
MAX_LIST: Final = 20  # lines of a policy or exchangers that are kept

# A string, as a bracket in it is none; one that never ends goes to the end, so that the search is linear.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?(?:"|\Z)|[\[\]{},]', re.DOTALL)

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFailure:
    """Connections that failed alike."""

    result: str  # a word of RFC 8460 §4.3
    sessions: int
    sending_ip: IPAddress | None = None
    receiving_host: str = ""
    receiving_helo: str = ""
    receiving_ip: IPAddress | None = None
    information: str = ""
    code: str = ""  # what the sending server calls it


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPolicy:
    """How connections by one policy went."""

    kind: str  # sts, tlsa or no-policy-found
    domain: Domain
    lines: tuple[str, ...] = ()  # of the policy
    hosts: tuple[str, ...] = ()  # patterns of exchangers
    successful: int = 0
    failed: int = 0
    failures: tuple[TlsFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsReport:
    """A report about the connections of a day."""

    organisation: str
    contact: str
    report_id: str
    begin: int  # seconds since 1970
    end: int
    policies: tuple[TlsPolicy, ...]


def parse(content: bytes) -> TlsReport:
    """The report."""
    try:
        text = content.decode(json.detect_encoding(content), "replace").removeprefix("\ufeff")
        _check_size(text)
        found = json.loads(text)
    except ValueError as error:  # JSONDecodeError, too
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadReport(f"the JSON of the report is broken{where}") from None
    if not isinstance(found, dict):
        raise BadReport("the JSON is no TLS report")
    return _report(found)


def _check_size(text: str) -> None:
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(text)):
        sign = text[token.start()]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        if depth > MAX_DEPTH or number > MAX_ELEMENTS:
            raise BadReport("the JSON of the report has too many elements")


def _report(found: Json) -> TlsReport:
    times = _object(found.get("date-range"))
    report_id = _text(found.get("report-id"))
    if not report_id:
        raise BadReport("the report has no report id")
    begin = values.moment(_written(times.get("start-datetime")), "the begin of the report")
    end = values.moment(_written(times.get("end-datetime")), "the end of the report")
    if end < begin:
        raise BadReport("the report ends before it begins")
    contact = _text(found.get("contact-info"))
    return TlsReport(
        organisation=_text(found.get("organization-name")) or contact.rpartition("@")[2],
        contact=contact,
        report_id=report_id,
        begin=begin,
        end=end,
        policies=_policies(found.get("policies")),
    )


def _policies(found: object) -> tuple[TlsPolicy, ...]:
    listed = _list(found)
    if len(listed) > MAX_POLICIES:
        raise BadReport(f"the report has more than {MAX_POLICIES} policies")
    policies = tuple(map(_policy, listed))
    if sum(len(one.failures) for one in policies) > MAX_FAILURES:
        raise BadReport(f"the report has more than {MAX_FAILURES} kinds of failures")
    return policies


def _policy(found: object) -> TlsPolicy:
    one = _object(found)
    policy, summary = _object(one.get("policy")), _object(one.get("summary"))
    return TlsPolicy(
        kind=_text(policy.get("policy-type")).lower(),
        domain=values.domain(_written(policy.get("policy-domain")), "the domain of a policy"),
        lines=tuple(_texts(policy.get("policy-string"))),
        hosts=tuple(_texts(policy.get("mx-host"))),
        successful=_count(summary.get("total-successful-session-count")),
        failed=_count(summary.get("total-failure-session-count")),
        failures=tuple(map(_failure, _list(one.get("failure-details")))),
    )


def _failure(found: object) -> TlsFailure:
    one = _object(found)
    return TlsFailure(
        result=_text(one.get("result-type")).lower() or "unknown",
        sessions=_count(one.get("failed-session-count")),
        sending_ip=values.address(_written(one.get("sending-mta-ip"))),
        receiving_host=_text(one.get("receiving-mx-hostname")),
        receiving_helo=_text(one.get("receiving-mx-helo")),
        receiving_ip=values.address(_written(one.get("receiving-ip"))),
        information=_text(one.get("additional-information")),
        code=_text(one.get("failure-reason-code")),
    )


def _object(found: object) -> Json:
    return found if isinstance(found, dict) else {}


def _list(found: object) -> list[object]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _texts(found: object) -> Iterator[str]:
    return (_text(one) for one in _list(found)[:MAX_LIST])


def _written(found: object) -> str:
    """A text or a number as text; "" for anything else."""
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def _text(found: object) -> str:
    return values.text(_written(found))


def _count(found: object) -> int:
    return 0 if found is None else values.count(_written(found), "a count of connections")
