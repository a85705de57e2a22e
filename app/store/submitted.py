"""How much each account has sent, and the limits on it: recipients in a day, and recipients it never wrote to before.

A stolen password is used to send junk, and the reputation of the server is gone before anybody notices; these limits
keep that small. What is counted is written in the transaction that queues the message, and looked at in the same, so
no number of connections passes a limit together and a crash forgets nothing. Only messages of accounts count, not our
own notifications. What was sent counts, whatever became of it.

`submitted` has a row for each minute of the last day in which an account sent, so that counting costs the same however
much it sends; `correspondent` has one for each address that it has written to in the last three years, which also says
whose mail it wants. SQL for the two is here and nowhere else. Raises `SendLimitReached`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.errors import StoreError
from app.store.queuerecords import NewMessage

MINUTE_S = 60
DAY_S = 24 * 3600.0
REMEMBERED_S = 3 * 365 * DAY_S  # after the last message to an address; later it is new again


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
    account = new.sender_account
    addresses = {recipient.path.wire.lower() for recipient in new.recipients}
    recipients = len(new.recipients)
    fresh = sum(1 for address in addresses if not _is_known(db, account, address))
    _check(db, account, now, _Wanted(SendLimit.RECIPIENTS, "recipients", limits.recipients, recipients))
    _check(db, account, now, _Wanted(SendLimit.FIRST_TIME, "first_time", limits.first_time, fresh))
    db.execute(
        """INSERT INTO submitted (account, minute, recipients, first_time) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET recipients = recipients + ?3, first_time = first_time + ?4""",
        (account, int(now // MINUTE_S), recipients, fresh),
    )
    db.executemany(
        """INSERT INTO correspondent (account, recipient, last) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET last = excluded.last WHERE last < excluded.last - ?""",
        [(account, address, now, DAY_S) for address in addresses],
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """`count` more of what stands in a column of `submitted`, of which `most` are allowed in a day."""

    limit: SendLimit
    column: str
    most: int
    count: int


def _check(db: sqlite3.Connection, account: str, now: float, wanted: _Wanted) -> None:
    """Raise when this would pass the limit, with the time at which it would not."""
    if not wanted.count:
        return
    if wanted.count > wanted.most:
        raise SendLimitReached(wanted.limit, wanted.most, None)
    day = "FROM submitted WHERE account = ? AND minute > ?"
    key = (account, (now - DAY_S) / MINUTE_S)
    (sent,) = db.execute(f"SELECT coalesce(sum({wanted.column}), 0) {day}", key).fetchone()
    too_many = sent + wanted.count - wanted.most
    if too_many <= 0:
        return
    for minute, count in db.execute(f"SELECT minute, {wanted.column} {day} ORDER BY minute", key):
        too_many -= count
        if too_many <= 0:
            raise SendLimitReached(wanted.limit, wanted.most, minute * MINUTE_S + DAY_S)


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Remove what counts no more."""
    db.execute("DELETE FROM submitted WHERE minute <= ?", ((now - DAY_S) / MINUTE_S,))
    db.execute("DELETE FROM correspondent WHERE last <= ?", (now - REMEMBERED_S,))


def wrote_to(db: sqlite3.Connection, account: str, names: Iterable[str]) -> frozenset[str]:
    """Those of the names, addresses and domains in ASCII, to which or to somebody at which the account has written."""
    return frozenset(name for name in names if (_is_known if "@" in name else _knows_domain)(db, account, name.lower()))


def _knows_domain(db: sqlite3.Connection, account: str, domain: str) -> bool:
    sql = "SELECT 1 FROM correspondent WHERE account = ? AND substr(recipient, instr(recipient, '@') + 1) = ? LIMIT 1"
    return db.execute(sql, (account, domain)).fetchone() is not None


def _is_known(db: sqlite3.Connection, account: str, address: str) -> bool:
    sql = "SELECT 1 FROM correspondent WHERE account = ? AND recipient = ?"
    return db.execute(sql, (account, address)).fetchone() is not None
