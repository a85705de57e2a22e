"""Addresses that get no reports of ours for a while: they refused one, or the operator says so; in server.db.

    await server.suppressions.add(Kind.DMARC, address, until, "refused: no such user")
    if await server.suppressions.holds(Kind.DMARC, address): ...

What is over is dropped when the list is read. Raises MailError when the database cannot be used.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.clock import Clock
from app.store.sqlite import Database
from app.store.strangers import printable
from app.wire.smtp.address import Address

MAX_LISTED: Final = 1000
AFTER_REFUSAL_S: Final = 30 * 24 * 3600.0


class Kind(Enum):
    """Of reports."""

    DMARC = "dmarc"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """An address with when and why."""

    id: int
    address: str
    created: float
    until: float
    comment: str


class ReportSuppressions:
    """The addresses in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def add(self, kind: Kind, address: Address, until: float, comment: str) -> None:
        """Send no such reports there until then; what was said of the address before is replaced."""
        values = (kind.value, address.wire, self._clock.now(), until, printable(comment))
        sql = """INSERT INTO report_suppression (kind, address, created, until, comment) VALUES (?,?,?,?,?)
            ON CONFLICT (kind, address) DO UPDATE SET until = excluded.until, comment = excluded.comment"""
        await self._db.write(lambda db: _run(db, sql, values))

    async def add_refused(self, kind: Kind, address: Address, comment: str) -> None:
        """The same for an address that refused a report."""
        await self.add(kind, address, self._clock.now() + AFTER_REFUSAL_S, comment)

    async def extend(self, kind: Kind, number: int, until: float) -> bool:
        """Set the end of one of the list; False when it is not there."""
        sql = "UPDATE report_suppression SET until = ? WHERE kind = ? AND id = ?"
        return await self._db.write(lambda db: _run(db, sql, (until, kind.value, number))) > 0

    async def remove(self, kind: Kind, number: int) -> bool:
        """Send reports there again; False when it is not there."""
        sql = "DELETE FROM report_suppression WHERE kind = ? AND id = ?"
        return await self._db.write(lambda db: _run(db, sql, (kind.value, number))) > 0

    async def holds(self, kind: Kind, address: Address) -> bool:
        """Whether no such reports go there now."""
        sql = "SELECT 1 FROM report_suppression WHERE kind = ? AND address = ? AND until > ?"
        values = (kind.value, address.wire, self._clock.now())
        return await self._db.read(lambda db: db.execute(sql, values).fetchone() is not None)

    async def all(self, kind: Kind) -> Sequence[Suppressed]:
        """The list, newest first."""
        sql = "DELETE FROM report_suppression WHERE until <= ?"
        now = self._clock.now()
        await self._db.write(lambda db: _run(db, sql, (now,)))
        return await self._db.read(lambda db: _all(db, kind))


def _run(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    return db.execute(sql, values).rowcount


def _all(db: sqlite3.Connection, kind: Kind) -> Sequence[Suppressed]:
    sql = """SELECT id, address, created, until, comment FROM report_suppression WHERE kind = ?
        ORDER BY created DESC, id DESC LIMIT ?"""
    return [
        Suppressed(id=number, address=address, created=created, until=until, comment=comment)
        for number, address, created, until, comment in db.execute(sql, (kind.value, MAX_LISTED))
    ]
