"""The queue as an operator looks at it: sorted, a page at a time, with what is said about each recipient last.

A page goes on where the last one ended: after a value and a number, not after a count, so that recipients which come
and go meanwhile shift nothing. The functions take a connection that reads; `QueueDb` runs them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from app.store.queuerecords import Attempt, Queued, QueueFilter
from app.store.queuerows import COLUMNS, FROM, attempt, condition, queued


class Order(Enum):
    """By what a list is sorted."""

    NEXT = "next"  # the next attempt, soonest first
    NEXT_LAST = "-next"
    NEWEST = "-queued"  # the last one submitted first
    OLDEST = "queued"
    LARGEST = "-size"
    MOST_ATTEMPTS = "-attempts"


_BY = {"next": "r.next_attempt", "queued": "m.queued", "size": "m.size_bytes", "attempts": "r.attempts"}


@dataclass(frozen=True, slots=True)
class After:
    """Where the page before ended: the value that is sorted by, and the recipient's number."""

    value: float
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recipient in the list."""

    queued: Queued
    is_attempting: bool
    last: Attempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of recipients, and how many match in all."""

    rows: Sequence[Row]
    total: int
    held: int
    after: After | None  # for the next page; None when this is the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Recipients of one domain for whom attempts have failed."""

    domain: str
    count: int
    oldest: float  # when the first was submitted
    last: Attempt | None  # the newest attempt of all


_LAST = "(SELECT max(a.id) FROM attempt a WHERE a.recipient = r.id)"
_ATTEMPT = "SELECT started, duration_s, success, code, enhanced, error, host, ip FROM attempt WHERE id = ?"


def listing(db: sqlite3.Connection, which: QueueFilter, order: Order, after: After | None, limit: int) -> Listing:
    """A page of those that match."""
    where, values = condition(which)
    total, held = db.execute(f"SELECT count(*), coalesce(sum(r.hold), 0) {FROM} WHERE {where}", values).fetchone()
    column, way, beyond = _BY[order.value.lstrip("-")], "ASC", ">"
    if order.value.startswith("-"):
        way, beyond = "DESC", "<"
    if after is not None:
        where += f" AND ({column}, r.id) {beyond} (?, ?)"
        values = [*values, after.value, after.id]
    sql = f"""SELECT {column}, r.attempting, {_LAST}, {COLUMNS} {FROM} WHERE {where}
        ORDER BY {column} {way}, r.id {way} LIMIT ?"""
    found = db.execute(sql, (*values, limit + 1)).fetchall()
    rows = [Row(queued=queued(row[3:]), is_attempting=bool(row[1]), last=_attempt(db, row[2])) for row in found[:limit]]
    more = After(found[limit - 1][0], rows[-1].queued.id) if len(found) > limit else None
    return Listing(rows=rows, total=total, held=held, after=more)


def stuck(db: sqlite3.Connection, attempts: int, limit: int) -> Sequence[Stuck]:
    """The domains where the most recipients wait after that many attempts."""
    sql = f"""SELECT r.domain, count(*), min(m.queued), max({_LAST}) {FROM} WHERE r.attempts >= ? AND r.hold = 0
        GROUP BY r.domain ORDER BY count(*) DESC, r.domain LIMIT ?"""
    rows = db.execute(sql, (attempts, limit)).fetchall()
    return [Stuck(domain=row[0], count=row[1], oldest=row[2], last=_attempt(db, row[3])) for row in rows]


def _attempt(db: sqlite3.Connection, number: int | None) -> Attempt | None:
    return attempt(db.execute(_ATTEMPT, (number,)).fetchone()) if number is not None else None
