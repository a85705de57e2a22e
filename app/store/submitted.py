"""How much each account has sent, and the limits on it: recipients in a day, and recipients it never wrote to before.

A stolen password is used to send junk, and the reputation of the server is gone before anybody notices; these limits
keep that small. What is counted is written in the transaction that queues the message, and looked at in the same, so
no number of connections passes a limit together and a crash forgets nothing. Only messages of accounts count, not our
own notifications. What was sent counts, whatever became of it.

`submitted` has a row for each message of the last day, `correspondent` one for each address that an account has written
to in the last year. SQL for the two is here and nowhere else. Raises `SendLimitReached`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.errors import StoreError
from app.store.queuerecords import NewMessage

DAY_S = 24 * 3600.0
REMEMBERED_S = 365 * DAY_S  # after the last message to an address; later it is new again


class SendLimit(Enum):
    """Which limit; the words are those of the settings."""

    RECIPIENTS = "MaxOutgoingMessagesPerDay"
    FIRST_TIME = "MaxFirstTimeRecipientsPerDay"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    """What an account may send in any 24 hours, counted in recipients."""

    recipients: int
    first_time: int


class SendLimitReached(StoreError):
    """The message would pass a limit. `retry_at` is when it would not; None when it alone is too much."""

    def __init__(self, limit: SendLimit, most: int, retry_at: float | None) -> None:
        super().__init__(f"{limit.value} of {most} reached")
        self.limit = limit
        self.most = most
        self.retry_at = retry_at


def record(db: sqlite3.Connection, new: NewMessage, limits: SendLimits, now: float) -> None:
    """Count a message that is being queued; raises SendLimitReached."""
    account, since = new.sender_account, now - DAY_S
    sql = "SELECT time, recipients FROM submitted WHERE account = ? AND time > ? ORDER BY time"
    _check(SendLimit.RECIPIENTS, limits.recipients, len(new.recipients), db.execute(sql, (account, since)))
    addresses = {recipient.path.wire.lower() for recipient in new.recipients}
    fresh = sum(1 for address in addresses if not _is_known(db, account, address))
    if fresh:
        sql = "SELECT first, 1 FROM correspondent WHERE account = ? AND first > ? ORDER BY first"
        _check(SendLimit.FIRST_TIME, limits.first_time, fresh, db.execute(sql, (account, since)))
    db.execute(
        "INSERT INTO submitted (account, time, recipients) VALUES (?, ?, ?)", (account, now, len(new.recipients))
    )
    db.executemany(
        """INSERT INTO correspondent (account, recipient, first, last) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET last = excluded.last WHERE last < excluded.last - ?""",
        [(account, address, now, now, DAY_S) for address in addresses],
    )


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Remove what counts no more."""
    db.execute("DELETE FROM submitted WHERE time <= ?", (now - DAY_S,))
    db.execute("DELETE FROM correspondent WHERE last <= ?", (now - REMEMBERED_S,))


def _is_known(db: sqlite3.Connection, account: str, address: str) -> bool:
    sql = "SELECT 1 FROM correspondent WHERE account = ? AND recipient = ?"
    return db.execute(sql, (account, address)).fetchone() is not None


def _check(limit: SendLimit, most: int, wanted: int, earlier: Iterable[tuple[float, int]]) -> None:
    """Raise when `wanted` more would pass the limit; `earlier` are times with their numbers, oldest first."""
    if wanted > most:
        raise SendLimitReached(limit, most, None)
    rows = list(earlier)
    too_many = sum(count for _, count in rows) + wanted - most
    if too_many <= 0:
        return
    for time, count in rows:
        too_many -= count
        if too_many <= 0:
            raise SendLimitReached(limit, most, time + DAY_S)
