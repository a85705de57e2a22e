"""What became of a queued message, by its Message-ID: from the queue while it waits, then from what is retired.

A message that is in neither is unknown: it was dropped, or nobody asked to keep its result (`NewMessage.keep_result_s`,
KeepRetiredMessagePeriod). With several recipients, the one that still waits or that failed counts.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum


class Ended(Enum):
    """Where a message is."""

    WAITING = "waiting"
    DELIVERED = "delivered"  # the other side took it
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """Where it is, and what the last attempt said."""

    ended: Ended
    error: str = ""
    host: str = ""  # that was talked to last
    next_attempt: float = 0.0  # while it waits


_LAST = "(SELECT max(a.id) FROM attempt a WHERE a.recipient = {0}.id)"
_WAITING = f"""SELECT r.next_attempt, a.error, a.host FROM recipient r JOIN message m ON m.id = r.base_id
    LEFT JOIN attempt a ON a.id = {_LAST.format("r")} WHERE m.message_id = ? ORDER BY r.id LIMIT 1"""
_RETIRED = f"""SELECT t.success, a.error, a.host FROM retired t
    LEFT JOIN attempt a ON a.id = {_LAST.format("t")} WHERE t.message_id = ? ORDER BY t.success, t.id LIMIT 1"""


def fate(db: sqlite3.Connection, message_id: str) -> Fate:
    """What is known."""
    if row := db.execute(_WAITING, (message_id,)).fetchone():
        return Fate(ended=Ended.WAITING, error=row[1] or "", host=row[2] or "", next_attempt=row[0])
    if row := db.execute(_RETIRED, (message_id,)).fetchone():
        ended = Ended.DELIVERED if row[0] else Ended.FAILED
        return Fate(ended=ended, error=row[1] or "", host=row[2] or "")
    return Fate(ended=Ended.UNKNOWN)
