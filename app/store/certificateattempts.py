"""What became of attempts to get a certificate, in server.db: how often in a row, why, and when to try again.

Kept over restarts, as authorities count attempts and lock out who makes too many. A success removes the row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.store.sqlite import Database

MAX_ERROR: Final = 1000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempts:
    """The failures for a name, up to now. Times are seconds since 1970."""

    authority: str
    name: str
    count: int
    last: float
    next: float
    error: str  # for people


class CertificateAttempts:
    """The rows in a database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> Sequence[FailedAttempts]:
        """Every name with failures."""
        sql = "SELECT authority, name, count, last, next, error FROM certificate_attempt ORDER BY authority, name"
        return await self._db.read(lambda db: [_row(row) for row in db.execute(sql)])

    async def put(self, failed: FailedAttempts) -> None:
        """Remember a failure in place of those before."""
        values = (failed.authority, failed.name, failed.count, failed.last, failed.next, failed.error[:MAX_ERROR])
        sql = """INSERT OR REPLACE INTO certificate_attempt (authority, name, count, last, next, error)
            VALUES (?,?,?,?,?,?)"""
        await self._db.write(lambda db: _run(db, sql, values))

    async def forget(self, authority: str, name: str) -> None:
        """The name has its certificate, or needs none any more."""
        sql = "DELETE FROM certificate_attempt WHERE authority = ? AND name = ?"
        await self._db.write(lambda db: _run(db, sql, (authority, name)))


def _run(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    return db.execute(sql, values).rowcount


def _row(row: Sequence[object]) -> FailedAttempts:
    authority, name, count, last, next_, error = row
    return FailedAttempts(
        authority=str(authority),
        name=str(name),
        count=int(str(count)),
        last=float(str(last)),
        next=float(str(next_)),
        error=str(error),
    )
