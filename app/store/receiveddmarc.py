"""Summaries by DMARC that others sent us, and what they say together: who sends mail in our name, and does it pass?

SQL for the tables dmarc_report and dmarc_row is only here and in `receivedreports`, which bounds them. A row knows the
network that mail came from and, where it can be told, whose server it was: the organisation whose signature or whose
SPF passed. Questions are about reports that
end after a moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from app.errors import WireError
from app.store.reportkeys import KeptReport, report_key
from app.trust.dmarc.suffixes import organisation
from app.wire.domain import parse_domain
from app.wire.reports.dmarc import AuthResult, DmarcReport, DmarcRow
from app.wire.smtp.address import IPAddress

MAX_SOURCES: Final = 200
MAX_LISTED: Final = 200
MAX_SHOWN_ROWS: Final = 1000
_MAX_PROVED: Final = 3  # domains that passed, of which the sender is one
_NETWORK_BITS: Final = {4: 24, 6: 48}


Values = tuple[str | int, ...]  # of a row of a table


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcSummary:
    """All messages of some days in the name of a domain of ours."""

    domain: str
    reports: int
    messages: int
    passed: int
    refused: int  # or put into quarantine

    @property
    def failed(self) -> int:
        """Those for which nothing vouched."""
        return self.messages - self.passed


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcSource:
    """Messages of some days from one network that were judged alike."""

    domain: str  # in From
    network: str  # "" when it was not told
    sender: str  # the organisation whose servers these are, as far as is known
    has_passed: bool
    dkim: bool
    spf: bool
    messages: int
    refused: int
    reporters: int  # how many receivers tell of it


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDmarc(KeptReport):
    """A report without its rows."""

    policy: str
    subdomain_policy: str
    dkim_alignment: str
    spf_alignment: str
    percentage: int | None
    errors: str
    messages: int
    passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A row of a report."""

    source: str
    sender: str
    count: int
    disposition: str
    dkim: bool
    spf: bool
    header_from: str
    envelope_from: str
    envelope_to: str
    reasons: str
    dkim_results: str  # in words
    spf_results: str

    @property
    def has_passed(self) -> bool:
        """Whether DMARC passed."""
        return self.dkim or self.spf


def network_of(source: IPAddress | None) -> str:
    """The network that belongs to one sender, as a rule."""
    return str(ip_network((source, _NETWORK_BITS[source.version]), strict=False)) if source is not None else ""


def sender_of(row: DmarcRow) -> str:
    """The organisation that sent: of another's passing signature or SPF, or else the author's own; "" unknown."""
    passed = [one.domain for one in (*row.dkim_results, *row.spf_results) if one.has_passed and one.domain]
    found = [name for name in map(organisation_of, passed[:_MAX_PROVED]) if name]
    own = organisation_of(row.header_from)
    return next((name for name in found if name != own), found[0] if found else "")


@lru_cache(maxsize=4096)
def organisation_of(name: str) -> str:
    """The organisation that a name in a report belongs to; "" for what is no name."""
    try:
        return organisation(parse_domain(name)).ascii
    except WireError:
        return ""


def add(db: sqlite3.Connection, report: DmarcReport, rows: Sequence[Values], reporter: str, now: float) -> bool:
    """Keep a report with its `kept_rows`; False when it is here already."""
    policy = report.policy
    cursor = db.execute(
        "INSERT INTO dmarc_report (key, received, reporter, organisation, contact, report_id, domain, begin, end,"
        " policy, subdomain_policy, dkim_alignment, spf_alignment, percentage, errors, messages, passed, size)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            report_key(reporter, report.organisation, report.report_id, policy.domain.ascii),
            now,
            reporter,
            report.organisation,
            report.email or report.contact,
            report.report_id,
            policy.domain.ascii,
            report.begin,
            report.end,
            policy.policy,
            policy.subdomain_policy,
            policy.dkim_alignment,
            policy.spf_alignment,
            policy.percentage,
            "; ".join(report.errors),
            sum(row.count for row in report.rows),
            sum(row.count for row in report.rows if row.has_passed),
            len(report.rows),
        ),
    )
    if not cursor.rowcount:
        return False
    number = cursor.lastrowid
    db.executemany(
        "INSERT INTO dmarc_row (report, source, network, sender, count, disposition, dkim, spf, header_from,"
        " envelope_from, envelope_to, reasons, dkim_results, spf_results)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((number, *row) for row in rows),
    )
    return True


def kept_rows(report: DmarcReport) -> list[Values]:
    """The rows as they are kept."""
    return [_values(row) for row in report.rows]


def _values(row: DmarcRow) -> Values:
    return (
        str(row.source or ""),
        network_of(row.source),
        sender_of(row),
        row.count,
        row.disposition.value,
        row.dkim,
        row.spf,
        row.header_from,
        row.envelope_from,
        row.envelope_to,
        "; ".join(row.reasons),
        "; ".join(map(_words, row.dkim_results)),
        "; ".join(map(_words, row.spf_results)),
    )


def _words(result: AuthResult) -> str:
    about = ", ".join(filter(None, (result.selector, result.scope, result.words)))
    return f"{result.result} for {result.domain or 'an unknown domain'}{f' ({about})' if about else ''}"


def summaries(db: sqlite3.Connection, since: float) -> list[DmarcSummary]:
    """For each domain of ours, the busiest first."""
    rows = db.execute(
        "SELECT domain, count(*), sum(messages), sum(passed),"
        " (SELECT coalesce(sum(count), 0) FROM dmarc_row JOIN dmarc_report AS own ON own.id = report"
        "  WHERE own.domain = dmarc_report.domain AND own.end > ?1 AND disposition <> 'none')"
        " FROM dmarc_report WHERE end > ?1 GROUP BY domain ORDER BY 3 DESC, 1",
        (since,),
    )
    return [DmarcSummary(domain=d, reports=n, messages=m, passed=p, refused=r) for d, n, m, p, r in rows]


def sources(db: sqlite3.Connection, since: float) -> list[DmarcSource]:
    """Who sends in our name: what fails first, then by number."""
    rows = db.execute(
        "SELECT dmarc_row.header_from, network, sender, dkim OR spf, dkim, spf, sum(count),"
        " sum(CASE WHEN disposition = 'none' THEN 0 ELSE count END), count(DISTINCT reporter)"
        " FROM dmarc_row JOIN dmarc_report ON dmarc_report.id = report WHERE end > ?"
        " GROUP BY dmarc_row.header_from, network, sender, dkim, spf ORDER BY 4, 7 DESC LIMIT ?",
        (since, MAX_SOURCES),
    )
    return [
        DmarcSource(
            domain=row[0],
            network=row[1],
            sender=row[2],
            has_passed=bool(row[3]),
            dkim=bool(row[4]),
            spf=bool(row[5]),
            messages=row[6],
            refused=row[7],
            reporters=row[8],
        )
        for row in rows
    ]


_LISTED = (
    "id, received, reporter, organisation, contact, report_id, domain, begin, end, policy, subdomain_policy,"
    " dkim_alignment, spf_alignment, percentage, errors, messages, passed"
)
_NAMES = tuple(name.strip() for name in _LISTED.split(","))


def reports(db: sqlite3.Connection, since: float) -> list[ListedDmarc]:
    """The newest reports."""
    order = "ORDER BY end DESC, id DESC LIMIT ?"
    rows = db.execute(f"SELECT {_LISTED} FROM dmarc_report WHERE end > ? {order}", (since, MAX_LISTED))
    return [_listed(row) for row in rows]


def find(db: sqlite3.Connection, number: int) -> ListedDmarc | None:
    """One report."""
    row = db.execute(f"SELECT {_LISTED} FROM dmarc_report WHERE id = ?", (number,)).fetchone()
    return _listed(row) if row else None


def _listed(row: Sequence[object]) -> ListedDmarc:
    return ListedDmarc(**dict(zip(_NAMES, row, strict=True)))  # type: ignore[arg-type]


def rows_of(db: sqlite3.Connection, number: int) -> list[KeptRow]:
    """The rows of a report, what failed first."""
    found = db.execute(
        "SELECT source, sender, count, disposition, dkim, spf, header_from, envelope_from, envelope_to, reasons,"
        " dkim_results, spf_results FROM dmarc_row WHERE report = ? ORDER BY dkim OR spf, count DESC LIMIT ?",
        (number, MAX_SHOWN_ROWS),
    )
    return [
        KeptRow(
            source=row[0],
            sender=row[1],
            count=row[2],
            disposition=row[3],
            dkim=bool(row[4]),
            spf=bool(row[5]),
            header_from=row[6],
            envelope_from=row[7],
            envelope_to=row[8],
            reasons=row[9],
            dkim_results=row[10],
            spf_results=row[11],
        )
        for row in found
    ]
