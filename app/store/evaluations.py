"""What DMARC said of mail that came here, until the domains that ask for it (rua=) get their reports; in server.db.

    server.evaluations.record(evaluation)       # never waits; what came within a second is one transaction
    periods = await server.evaluations.periods()
    await server.evaluations.remove(periods[0])

Equal evaluations of an hour are one row with a count. A domain has at most MAX_ROWS rows and all together MAX_ALL; more
are only counted, as they come from somebody who sends forged mail of many kinds. A crash loses at most a second. A
period is what one report is about: hours that divide a day, in UTC. Raises MailError when the database cannot be used.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.clock import Clock
from app.log import logger
from app.store import evaluationrows
from app.store.folding import Folding
from app.store.sqlite import Database
from app.wire.domain import Domain
from app.wire.reports.dmarc import DmarcRow, PublishedPolicy

HOUR_S: Final = 3600
KEPT_S: Final = 48 * HOUR_S
MAX_ROWS: Final = 5000  # of a domain
MAX_ALL: Final = 100_000

_LOG = logger("store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One message. `policy` is of the domain with the record, which gets the report."""

    policy: PublishedPolicy
    row: DmarcRow
    interval_h: int = 24  # a divisor of 24
    is_optional: bool = False  # no reason for a report of its own: it was a report itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What one report is about: some hours of a domain, in seconds since 1970."""

    domain: Domain
    begin: int
    end: int
    messages: int = 0
    is_optional: bool = False  # nothing in it is reason for a report


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvaluations:
    """All that waits for a domain, for people."""

    domain: str
    messages: int
    passed: int
    refused: int
    next_report: int  # the end of its first period
    last: float
    is_optional: bool


class Evaluations:
    """The evaluations in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._folding: Folding[tuple[int, Evaluation]] = Folding(db, self._store, "evaluations")
        self.flush = self._folding.flush
        self.close = self._folding.close

    def record(self, evaluation: Evaluation) -> None:
        """Remember an evaluation; called on the event loop of the server."""
        self._folding.record((int(self._clock.now()) // HOUR_S * HOUR_S, evaluation))

    def _store(self, db: sqlite3.Connection, batch: Mapping[tuple[int, Evaluation], int]) -> None:
        _store(db, batch, self._clock.now())

    async def periods(self) -> Sequence[Period]:
        """The periods with evaluations, oldest first; those of more than two days ago are dropped."""
        await self.flush()
        now = self._clock.now()
        await self._db.write(lambda db: _drop(db, "hour < ?", (now - KEPT_S,)))
        return await self._db.read(_periods)

    async def rows(self, period: Period) -> tuple[PublishedPolicy | None, Sequence[DmarcRow]]:
        """What the report of a period says: the policy that was seen last, and a row for each kind of message."""
        return await self._db.read(lambda db: _rows(db, period))

    async def remove(self, period: Period) -> None:
        """Forget what was reported."""
        await self._db.write(lambda db: _drop(db, _OF_PERIOD, _span(period)))

    async def remove_domain(self, domain: str) -> int:
        """Forget all of a domain, so that it gets no report; how many rows there were."""
        await self.flush()
        return await self._db.write(lambda db: _drop(db, "domain = ?", (domain,)))

    async def domains(self, limit: int) -> Sequence[DomainEvaluations]:
        """What waits, the domain with the most messages first."""
        await self.flush()
        return await self._db.read(lambda db: _domains(db, limit))

    async def of_domain(self, domain: str, limit: int) -> Sequence[DmarcRow]:
        """What waits for a domain, newest first."""
        await self.flush()
        sql = "SELECT row, count FROM dmarc_evaluation WHERE domain = ? ORDER BY last DESC, id DESC LIMIT ?"
        return await self._db.read(lambda db: [_counted(*one) for one in db.execute(sql, (domain, limit))])


def _store(db: sqlite3.Connection, batch: Mapping[tuple[int, Evaluation], int], now: float) -> None:
    (size,) = db.execute("SELECT count(*) FROM dmarc_evaluation").fetchone()
    left_out = 0
    for (hour, evaluation), count in batch.items():
        if _raise_count(db, hour, evaluation, count, now):
            continue
        domain = evaluation.policy.domain.ascii
        (own,) = db.execute("SELECT count(*) FROM dmarc_evaluation WHERE domain = ?", (domain,)).fetchone()
        if size >= MAX_ALL or own >= MAX_ROWS:
            left_out += count
            continue
        size += 1
        _insert(db, hour, evaluation, count, now)
    if left_out:
        _LOG.warn("too many evaluations for DMARC reports", left_out=left_out)


def _raise_count(db: sqlite3.Connection, hour: int, evaluation: Evaluation, count: int, now: float) -> bool:
    sql = "UPDATE dmarc_evaluation SET count = count + ?, last = ? WHERE key = ?"
    return db.execute(sql, (count, now, _key(hour, evaluation))).rowcount > 0


def _insert(db: sqlite3.Connection, hour: int, evaluation: Evaluation, count: int, now: float) -> None:
    row = evaluation.row
    values = (
        _key(hour, evaluation),
        evaluation.policy.domain.ascii,
        hour,
        evaluation.interval_h,
        evaluation.is_optional,
        row.has_passed,
        row.disposition.value != "none",
        evaluationrows.write_policy(evaluation.policy),
        evaluationrows.write_row(row),
        count,
        now,
    )
    db.execute(
        """INSERT INTO dmarc_evaluation (key, domain, hour, interval_h, is_optional, has_passed, is_refused, policy,
            row, count, last) VALUES (?,?,?,?,?,?,?,?,?,?,?)""",
        values,
    )


def _key(hour: int, evaluation: Evaluation) -> bytes:
    policy, row = evaluationrows.write_policy(evaluation.policy), evaluationrows.write_row(evaluation.row)
    text = f"{hour} {evaluation.interval_h} {evaluation.is_optional:d} {policy} {row}"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


_BEGIN: Final = "hour - hour % (interval_h * 3600)"  # days begin at multiples of their length since 1970


def _periods(db: sqlite3.Connection) -> Sequence[Period]:
    sql = f"""SELECT domain, {_BEGIN} AS begin, interval_h, sum(count), min(is_optional) FROM dmarc_evaluation
        GROUP BY domain, begin, interval_h ORDER BY begin + interval_h * 3600, domain"""
    return [
        Period(domain=Domain(name), begin=begin, end=begin + hours * HOUR_S, messages=count, is_optional=bool(optional))
        for name, begin, hours, count, optional in db.execute(sql)
    ]


_OF_PERIOD: Final = "domain = ? AND hour >= ? AND hour < ? AND interval_h * 3600 = ?"


def _span(period: Period) -> tuple[str, int, int, int]:
    return period.domain.ascii, period.begin, period.end, period.end - period.begin


def _drop(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> int:
    return db.execute(f"DELETE FROM dmarc_evaluation WHERE {where}", values).rowcount


def _rows(db: sqlite3.Connection, period: Period) -> tuple[PublishedPolicy | None, Sequence[DmarcRow]]:
    span = _span(period)
    sql = f"SELECT policy FROM dmarc_evaluation WHERE {_OF_PERIOD} ORDER BY last DESC LIMIT 1"
    newest = db.execute(sql, span).fetchone()
    # Those of several hours are one row of a report; the schema has no hours.
    sql = f"SELECT row, sum(count) FROM dmarc_evaluation WHERE {_OF_PERIOD} GROUP BY row ORDER BY sum(count) DESC, row"
    rows = [_counted(*one) for one in db.execute(sql, span)]
    return (evaluationrows.read_policy(newest[0]) if newest else None), rows


def _counted(text: str, count: int) -> DmarcRow:
    return replace(evaluationrows.read_row(text), count=count)


def _domains(db: sqlite3.Connection, limit: int) -> Sequence[DomainEvaluations]:
    sql = f"""SELECT domain, sum(count), sum(count * has_passed), sum(count * is_refused),
        min({_BEGIN} + interval_h * 3600), max(last), min(is_optional) FROM dmarc_evaluation
        GROUP BY domain ORDER BY 2 DESC, domain LIMIT ?"""
    return [
        DomainEvaluations(
            domain=name,
            messages=messages,
            passed=passed,
            refused=refused,
            next_report=first,
            last=last,
            is_optional=bool(optional),
        )
        for name, messages, passed, refused, first, last, optional in db.execute(sql, (limit,))
    ]
