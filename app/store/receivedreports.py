"""Reports that other servers sent us about mail in our name, in server.db: bounded in age, in number and in size.

    is_new = await server.reports.add_dmarc(report, reporter)
    summaries = await server.reports.read(lambda db: receiveddmarc.summaries(db, since))

The same report twice is one. Reports are kept for a year. When a kind has more than MAX_SIZE rows, the oldest reports
of whom most is kept go first: nobody can drive out what others sent by sending much himself. The tables are read with
the functions of `receiveddmarc` and `receivedtls`. Raises MailError when the database cannot be used.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from app.clock import Clock
from app.store import receiveddmarc, receivedtls
from app.store.sqlite import Database
from app.wire.reports.dmarc import DmarcReport
from app.wire.reports.tls import TlsPolicy, TlsReport

T = TypeVar("T")

KEPT_S: Final = 366 * 24 * 3600.0
MAX_SIZE: Final = 300_000  # rows of all reports of a kind, some 100 MB; a report counts one more
AT_ONCE: Final = 2  # large reports that are read at the same time; each may take some 100 MB

_TABLES: Final = ("dmarc_report", "tls_report")


class ReceivedReports:
    """The reports in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.turns = asyncio.Semaphore(AT_ONCE)

    async def add_dmarc(self, report: DmarcReport, reporter: str) -> bool:
        """Keep a report of who has proved to be `reporter`; False when it is here already."""
        now = self._clock.now()
        rows = await asyncio.to_thread(receiveddmarc.kept_rows, report)  # to find the senders may take a moment
        return await self._db.write(lambda db: receiveddmarc.add(db, report, rows, reporter, now) and trim(db, now))

    async def add_tls(self, report: TlsReport, policies: Sequence[TlsPolicy], reporter: str) -> bool:
        """Keep these policies of a report of who has proved to be `reporter`; False when it is here already."""
        report = dataclasses.replace(report, policies=tuple(policies))
        now = self._clock.now()
        return await self._db.write(lambda db: receivedtls.add(db, report, reporter, now) and trim(db, now))

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """What one of the functions of `receiveddmarc` or `receivedtls` finds."""
        return await self._db.read(question)


def trim(db: sqlite3.Connection, now: float) -> bool:
    """Drop what is too old or too much; always True."""
    for table in _TABLES:
        db.execute(f"DELETE FROM {table} WHERE received <= ?", (now - KEPT_S,))
        while (excess := _size(db, table) - MAX_SIZE) > 0:
            _drop_oldest(db, table, excess)
    return True


def _size(db: sqlite3.Connection, table: str) -> int:
    (size,) = db.execute(f"SELECT coalesce(sum(size + 1), 0) FROM {table}").fetchone()
    return int(size)


def _drop_oldest(db: sqlite3.Connection, table: str, excess: int) -> None:
    """Drop reports of the reporter of whom most is kept, until that many rows are gone or he has none left."""
    largest = f"SELECT reporter FROM {table} GROUP BY reporter ORDER BY sum(size + 1) DESC, reporter LIMIT 1"
    rows = db.execute(f"SELECT id, size + 1 FROM {table} WHERE reporter = ({largest}) ORDER BY received, id").fetchall()
    dropped = 0
    for number, size in rows:
        if dropped >= excess:
            break
        db.execute(f"DELETE FROM {table} WHERE id = ?", (number,))
        dropped += size
