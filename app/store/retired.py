"""What became of mail that has left the queue, for as long as the configuration has it remembered.

A row is one recipient. Its attempts stay beside it, and are read as those of the queue are (`QueueDb.attempts`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.store.queuerows import address_condition

if TYPE_CHECKING:
    from app.store.sqlite import Database

MAX_ROWS: Final = 1000
_COLUMNS: Final = (
    "id, sender_account, reverse_path, recipient, queued, attempts, size_bytes, message_id, subject, transport,"
    " success, last_activity, keep_until"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A recipient that was delivered to, or given up. Times are seconds since 1970."""

    id: int
    sender_account: str
    reverse_path: str
    recipient: str
    queued: float
    attempts: int
    size_bytes: int
    message_id: str
    subject: str
    transport: str
    success: bool
    last_activity: float
    keep_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredFilter:
    """Which of them; all that is given must hold. Addresses are whole, or "@domain"."""

    id: int = 0
    account: str = ""
    sender: str = ""
    recipient: str = ""
    success: bool | None = None
    last_before: float | None = None
    last_after: float | None = None
    limit: int = MAX_ROWS


class RetiredMail:
    """The rows in the queue's database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, which: RetiredFilter) -> Sequence[Retired]:
        """The last ones that are meant, the latest first."""
        return await self._db.read(lambda db: _find(db, which))


def _find(db: sqlite3.Connection, which: RetiredFilter) -> Sequence[Retired]:
    simple: list[tuple[str, object]] = [
        ("id = ?", which.id or None),
        ("sender_account = ?", which.account or None),
        ("success = ?", which.success),
        ("last_activity < ?", which.last_before),
        ("last_activity > ?", which.last_after),
        address_condition("reverse_path", which.sender),
        address_condition("recipient", which.recipient),
    ]
    given = [one for one in simple if one[1] is not None]
    where = " AND ".join(sql for sql, _ in given) or "1"
    sql = f"SELECT {_COLUMNS} FROM retired WHERE {where} ORDER BY last_activity DESC, id DESC LIMIT ?"
    rows = db.execute(sql, (*(value for _, value in given), min(which.limit or MAX_ROWS, MAX_ROWS))).fetchall()
    names = _COLUMNS.replace(" ", "").split(",")
    return [Retired(**{**dict(zip(names, row, strict=True)), "success": bool(row[10])}) for row in rows]
