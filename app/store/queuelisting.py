"""The queue as an operator looks at it: sorted, a page at a time, with what is said about each recipient last.

A page goes on where the last one ended: after a value and a number, not after a count, so that recipients which come
and go meanwhile shift nothing. The functions take a connection that reads; `QueueDb` runs them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from app.store.queuerecords import Attempt, Queued, QueueFilter
from app.store.queuerows import ATTEMPT_COLUMNS, COLUMNS, FROM, attempt, condition, queued


class Order(Enum):
    """By what a list is sorted."""

    NEXT = "next"  # the next attempt, soonest first
    NEXT_LAST = "-next"
    NEWEST = "-queued"  # the last one submitted first
    OLDEST = "queued"
    LARGEST = "-size"
    MOST_ATTEMPTS = "-attempts"


_BY = {"next": "r.next_attempt", "queued": "m.queued", "size": "m.size_bytes", "attempts": "r.attempts"}
_FIELDS: Mapping[str, Callable[[Queued], float]] = {
    "next": lambda one: one.next_attempt,
    "queued": lambda one: one.queued,
    "size": lambda one: one.size_bytes,
    "attempts": lambda one: one.attempts,
}


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
_ATTEMPT = f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE id = ?"


def listing(db: sqlite3.Connection, which: QueueFilter, order: Order, after: After | None, limit: int) -> Listing:
    """A page of those that match."""
    where, values = condition(which)
    total, held = db.execute(f"SELECT count(*), coalesce(sum(r.hold), 0) {FROM} WHERE {where}", values).fetchone()
    rows = some(db, which, order, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1].queued
        more = After(_FIELDS[order.value.lstrip("-")](last), last.id)
    return Listing(rows=rows[:limit], total=total, held=held, after=more)


def some(db: sqlite3.Connection, which: QueueFilter, order: Order, after: After | None, limit: int) -> list[Row]:
    """The rows of a page alone."""
    where, values = condition(which)
    column, way, beyond = _BY[order.value.lstrip("-")], "ASC", ">"
    if order.value.startswith("-"):
        way, beyond = "DESC", "<"
    if after is not None:
        where += f" AND ({column}, r.id) {beyond} (?, ?)"
        values = [*values, after.value, after.id]
    sql = f"""SELECT r.attempting, {_LAST}, {COLUMNS} {FROM} WHERE {where}
        ORDER BY {column} {way}, r.id {way} LIMIT ?"""
    found = db.execute(sql, (*values, limit)).fetchall()
    return [Row(queued=queued(row[2:]), is_attempting=bool(row[0]), last=_attempt(db, row[1])) for row in found]


def stuck(db: sqlite3.Connection, attempts: int, limit: int) -> Sequence[Stuck]:
    """The domains where the most recipients wait after that many attempts."""
    sql = f"""SELECT r.domain, count(*), min(m.queued), max({_LAST}) {FROM} WHERE r.attempts >= ? AND r.hold = 0
        GROUP BY r.domain ORDER BY count(*) DESC, r.domain LIMIT ?"""
    rows = db.execute(sql, (attempts, limit)).fetchall()
    return [Stuck(domain=row[0], count=row[1], oldest=row[2], last=_attempt(db, row[3])) for row in rows]


def _attempt(db: sqlite3.Connection, number: int | None) -> Attempt | None:
    return attempt(db.execute(_ATTEMPT, (number,)).fetchone()) if number is not None else None
