"""What the server last saw when it looked at something that it cannot look at all the time, in server.db.

    await server.looks.note("dns", [Seen(thing="example.org", grade=Grade.FINE, text="all 14 records are there")])
    for look in await server.looks.all(): ...

A look is about a thing of a subject: the records of a domain, a block list, a verification of the data, a backup. The
newest replaces the one before, and remembers since when things stand so. SQL for the table look is only here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.clock import Clock
from app.store.sqlite import Database

MAX_TEXT: Final = 2000  # characters
MAX_THINGS: Final = 1000  # of a subject


class Grade(Enum):
    """How things stand, best first."""

    FINE = "fine"
    UNKNOWN = "unknown"  # it cannot be told
    LOOK = "look"  # a person should look at it some day
    ACT = "act"  # something does not work, or soon will not

    @property
    def badness(self) -> int:
        """The larger, the worse."""
        return _ORDER.index(self)


_ORDER = (Grade.FINE, Grade.UNKNOWN, Grade.LOOK, Grade.ACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of one thing."""

    thing: str
    grade: Grade
    text: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The last look at one thing. Times are seconds since 1970."""

    subject: str
    thing: str
    grade: Grade
    text: str
    time: float
    since: float  # the first look that found this grade, without another between


class Looks:
    """The rows in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def note(self, subject: str, seen: Iterable[Seen]) -> None:
        """Everything there is of a subject now; things that are not among it are forgotten."""
        now, found = self._clock.now(), list(seen)[:MAX_THINGS]
        await self._db.write(lambda db: _note(db, subject, found, now))

    async def all(self) -> Sequence[Look]:
        """The last look at each thing."""
        sql = "SELECT subject, thing, grade, text, looked, since FROM look ORDER BY subject, thing"
        rows = await self._db.read(lambda db: db.execute(sql).fetchall())
        return [
            Look(subject=subject, thing=thing, grade=Grade(grade), text=text, time=time, since=since)
            for subject, thing, grade, text, time, since in rows
        ]


def _note(db: sqlite3.Connection, subject: str, found: Sequence[Seen], now: float) -> None:
    known = dict(db.execute("SELECT thing, grade FROM look WHERE subject = ?", (subject,)).fetchall())
    for one in found:
        db.execute(
            "INSERT INTO look (subject, thing, grade, text, looked, since) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
            " ON CONFLICT (subject, thing) DO UPDATE SET text = ?4, looked = ?5, grade = ?3,"
            " since = CASE WHEN grade = ?3 THEN since ELSE ?5 END",
            (subject, one.thing, one.grade.value, one.text[:MAX_TEXT], now),
        )
    for thing in known.keys() - {one.thing for one in found}:
        db.execute("DELETE FROM look WHERE subject = ? AND thing = ?", (subject, thing))
