"""When the server ran, in server.db: each start with its version, and whether it ended in an orderly way.

    await server.runs.begin("0.4.0")       # at start; a run before it without an end was killed or crashed
    server.runs.end()                      # while the database closes; blocks

The newest `MAX_RUNS` are kept. SQL for the table run is only here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.clock import Clock
from app.store.sqlite import Database

MAX_RUNS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the server. Times are seconds since 1970."""

    started: float
    ended: float | None  # None while it runs, and for one that did not end in an orderly way
    version: str
    is_present: bool


class Runs:
    """The rows in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._present: int | None = None

    async def begin(self, version: str) -> None:
        """The server has started."""
        now = self._clock.now()
        self._present = await self._db.write(lambda db: _begin(db, now, version))

    def end(self) -> None:
        """The server ends in an orderly way; without `begin` nothing."""
        number, now = self._present, self._clock.now()
        if number is not None:
            self._present = None
            self._db.write_now(lambda db: db.execute("UPDATE run SET ended = ? WHERE id = ?", (now, number)).rowcount)

    async def newest(self, count: int) -> Sequence[Run]:
        """The last runs, the newest first."""
        sql, present = "SELECT id, started, ended, version FROM run ORDER BY id DESC LIMIT ?", self._present
        rows = await self._db.read(lambda db: db.execute(sql, (max(0, count),)).fetchall())
        return [
            Run(started=started, ended=ended, version=version, is_present=number == present)
            for number, started, ended, version in rows
        ]


def _begin(db: sqlite3.Connection, now: float, version: str) -> int | None:
    number = db.execute("INSERT INTO run (started, version) VALUES (?, ?)", (now, version)).lastrowid
    db.execute("DELETE FROM run WHERE id <= ?", ((number or 0) - MAX_RUNS,))
    return number
