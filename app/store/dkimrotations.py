"""Which DKIM keys of a domain replace which, and how far that is known to be; in server.db.

    await rotations.save(Rotation(domain="example.org", new=("20261123a",), old=("2026a",), started=now))
    rotation = await rotations.find("example.org")
    await rotations.forget("example.org")

One for each domain. domains.conf says what is in effect; these are notes beside it, which `operations/dkimrotation.py`
reads together with it. SQL for the table dkim_rotation is only here. Raises MailError when the database cannot be used.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.store.sqlite import Database

_COLUMNS: Final = "domain, new, old, started, seen, switched, is_automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The replacement of a domain's keys. Times are seconds since 1970; 0 is not yet."""

    domain: str  # in ASCII
    new: tuple[str, ...]  # selectors
    old: tuple[str, ...]
    started: float
    seen: float = 0.0  # the records of all new keys, since then
    switched: float = 0.0  # the new keys sign since then
    is_automatic: bool = True  # the new keys sign by themselves when they may


class DkimRotations:
    """The replacements in a database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> Sequence[Rotation]:
        """All, by domain."""
        sql = f"SELECT {_COLUMNS} FROM dkim_rotation ORDER BY domain"
        return await self._db.read(lambda db: [_rotation(row) for row in db.execute(sql)])

    async def find(self, domain: str) -> Rotation | None:
        """That of a domain."""
        sql = f"SELECT {_COLUMNS} FROM dkim_rotation WHERE domain = ?"
        row = await self._db.read(lambda db: db.execute(sql, (domain,)).fetchone())
        return _rotation(row) if row else None

    async def save(self, rotation: Rotation) -> None:
        """Keep it in place of what was known of the domain."""
        await self._db.write(lambda db: _save(db, rotation))

    async def forget(self, domain: str) -> None:
        """It is over."""
        await self._db.write(lambda db: db.execute("DELETE FROM dkim_rotation WHERE domain = ?", (domain,)))


def _rotation(row: Sequence[object]) -> Rotation:
    domain, new, old, started, seen, switched, is_automatic = row
    return Rotation(
        domain=str(domain),
        new=tuple(json.loads(str(new))),
        old=tuple(json.loads(str(old))),
        started=float(str(started)),
        seen=float(str(seen)),
        switched=float(str(switched)),
        is_automatic=bool(is_automatic),
    )


def _save(db: sqlite3.Connection, rotation: Rotation) -> None:
    values = (
        rotation.domain,
        json.dumps(rotation.new),
        json.dumps(rotation.old),
        rotation.started,
        rotation.seen,
        rotation.switched,
        rotation.is_automatic,
    )
    db.execute(f"INSERT OR REPLACE INTO dkim_rotation ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
