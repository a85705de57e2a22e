"""TLS reports that others sent us, and what they say together: how many connections were encrypted, and what failed.

SQL for the tables tls_report, tls_policy and tls_failure is only here and in `receivedreports`, which bounds them.
Policies of domains that are not ours are not kept, as the caller hands them over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.store.reportkeys import KeptReport, report_key
from app.wire.reports.tls import TlsFailure, TlsPolicy, TlsReport

MAX_LISTED: Final = 200
MAX_FAILURES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSummary:
    """All connections of some days for one domain."""

    domain: str
    reports: int
    successful: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureSum:
    """Connections of some days that failed alike."""

    result: str
    domain: str
    host: str  # of ours, where it was told
    sessions: int
    reporters: int
    latest: int  # end of the last report that tells of it


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTls(KeptReport):
    """A report without its policies; `domain` has the domains of all."""

    successful: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFailure:
    """Connections that failed alike, of one report."""

    result: str
    sessions: int
    sending_ip: str
    receiving_host: str
    receiving_ip: str
    information: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicy:
    """One policy of a report."""

    kind: str
    domain: str
    lines: str
    hosts: str
    successful: int
    failed: int
    failures: Sequence[KeptFailure]


def add(db: sqlite3.Connection, report: TlsReport, reporter: str, now: float) -> bool:
    """Keep a report with all its policies; False when it is here already."""
    domains = sorted({policy.domain.ascii for policy in report.policies})
    cursor = db.execute(
        "INSERT INTO tls_report (key, received, reporter, organisation, contact, report_id, domain, begin, end,"
        " successful, failed, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            report_key(reporter, report.organisation, report.report_id, " ".join(domains)),
            now,
            reporter,
            report.organisation,
            report.contact,
            report.report_id,
            " ".join(domains),
            report.begin,
            report.end,
            sum(policy.successful for policy in report.policies),
            sum(policy.failed for policy in report.policies),
            sum(1 + len(policy.failures) for policy in report.policies),
        ),
    )
    if not cursor.rowcount:
        return False
    for policy in report.policies:
        _add_policy(db, cursor.lastrowid, policy)
    return True


def _add_policy(db: sqlite3.Connection, report: int | None, policy: TlsPolicy) -> None:
    cursor = db.execute(
        "INSERT INTO tls_policy (report, kind, domain, lines, hosts, successful, failed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            report,
            policy.kind,
            policy.domain.ascii,
            "\n".join(policy.lines),
            "\n".join(policy.hosts),
            policy.successful,
            policy.failed,
        ),
    )
    number = cursor.lastrowid
    db.executemany(
        "INSERT INTO tls_failure (policy, result, sessions, sending_ip, receiving_host, receiving_ip, information,"
        " code) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (_values(number, failure) for failure in policy.failures),
    )


def _values(number: int | None, failure: TlsFailure) -> tuple[object, ...]:
    return (
        number,
        failure.result,
        failure.sessions,
        str(failure.sending_ip or ""),
        failure.receiving_host or failure.receiving_helo,
        str(failure.receiving_ip or ""),
        failure.information,
        failure.code,
    )


def summaries(db: sqlite3.Connection, since: float) -> list[TlsSummary]:
    """For each domain, those with failures first."""
    rows = db.execute(
        "SELECT tls_policy.domain, count(DISTINCT report), sum(tls_policy.successful), sum(tls_policy.failed)"
        " FROM tls_policy JOIN tls_report ON tls_report.id = report WHERE end > ?"
        " GROUP BY tls_policy.domain ORDER BY 4 DESC, 3 DESC, 1",
        (since,),
    )
    return [TlsSummary(domain=d, reports=n, successful=s, failed=f) for d, n, s, f in rows]


def failures(db: sqlite3.Connection, since: float) -> list[FailureSum]:
    """What failed, by kind, the most frequent first."""
    rows = db.execute(
        "SELECT result, tls_policy.domain, receiving_host, sum(sessions), count(DISTINCT reporter), max(end)"
        " FROM tls_failure JOIN tls_policy ON tls_policy.id = policy JOIN tls_report ON tls_report.id = report"
        " WHERE end > ? GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT ?",
        (since, MAX_FAILURES),
    )
    return [
        FailureSum(result=row[0], domain=row[1], host=row[2], sessions=row[3], reporters=row[4], latest=row[5])
        for row in rows
    ]


_LISTED = "id, received, reporter, organisation, contact, report_id, domain, begin, end, successful, failed"
_NAMES = tuple(name.strip() for name in _LISTED.split(","))


def reports(db: sqlite3.Connection, since: float) -> list[ListedTls]:
    """The newest reports."""
    order = "ORDER BY end DESC, id DESC LIMIT ?"
    rows = db.execute(f"SELECT {_LISTED} FROM tls_report WHERE end > ? {order}", (since, MAX_LISTED))
    return [_listed(row) for row in rows]


def find(db: sqlite3.Connection, number: int) -> ListedTls | None:
    """One report."""
    row = db.execute(f"SELECT {_LISTED} FROM tls_report WHERE id = ?", (number,)).fetchone()
    return _listed(row) if row else None


def _listed(row: Sequence[object]) -> ListedTls:
    return ListedTls(**dict(zip(_NAMES, row, strict=True)))  # type: ignore[arg-type]


def policies_of(db: sqlite3.Connection, number: int) -> list[KeptPolicy]:
    """The policies of a report, with what failed."""
    rows = db.execute(
        "SELECT id, kind, domain, lines, hosts, successful, failed FROM tls_policy WHERE report = ?"
        " ORDER BY failed DESC, id LIMIT ?",
        (number, MAX_LISTED),
    ).fetchall()
    return [
        KeptPolicy(
            kind=row[1],
            domain=row[2],
            lines=row[3],
            hosts=row[4],
            successful=row[5],
            failed=row[6],
            failures=_failures_of(db, row[0]),
        )
        for row in rows
    ]


def _failures_of(db: sqlite3.Connection, policy: int) -> list[KeptFailure]:
    rows = db.execute(
        "SELECT result, sessions, sending_ip, receiving_host, receiving_ip, information, code FROM tls_failure"
        " WHERE policy = ? ORDER BY sessions DESC, id LIMIT ?",
        (policy, MAX_FAILURES),
    )
    return [
        KeptFailure(
            result=row[0],
            sessions=row[1],
            sending_ip=row[2],
            receiving_host=row[3],
            receiving_ip=row[4],
            information=row[5],
            code=row[6],
        )
        for row in rows
    ]
