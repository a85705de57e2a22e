"""The vacation answer of an account: what it says, from when until when, and who got it already.

It is kept with the account and not in domains.conf: its holder changes it, and the Go server's file has no word for it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from app.store.account.handle import Account, Tx

AGAIN_S: Final = 7 * 24 * 3600  # a sender hears it again after this time (RFC 3834 §2)
DAY_S: Final = 24 * 3600
MAX_IN_DAY: Final = 100
MAX_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacation:
    """What the holder has set."""

    is_on: bool = False
    subject: str = ""
    text: str = ""
    begins: int | None = None
    ends: int | None = None  # the first second after it

    def holds(self, now: float) -> bool:
        """Whether answers are sent now."""
        return self.is_on and (self.begins or 0) <= now and (self.ends is None or now < self.ends)


async def current(account: Account) -> Vacation:
    """The vacation answer of the account; it is read once, as every delivery asks."""
    if account.vacation is None:
        account.vacation = await account.read(find)
    return account.vacation


async def change(account: Account, wanted: Vacation) -> None:
    """Set it. Who was told before is forgotten when it says something else."""

    def save(tx: Tx) -> None:
        if wanted != find(tx.db):
            tx.db.execute("DELETE FROM vacation_told")
        tx.db.execute(
            "INSERT OR REPLACE INTO vacation (id, is_on, subject, text, begins, ends) VALUES (1, ?, ?, ?, ?, ?)",
            (wanted.is_on, wanted.subject, wanted.text, wanted.begins, wanted.ends),
        )

    await account.write(save)
    account.vacation = wanted


def find(db: sqlite3.Connection) -> Vacation:
    """The same as it is in the database; one that is off when nothing was ever set."""
    row = db.execute("SELECT is_on, subject, text, begins, ends FROM vacation").fetchone()
    if row is None:
        return Vacation()
    return Vacation(is_on=bool(row[0]), subject=row[1], text=row[2], begins=row[3], ends=row[4])


def take_turn(tx: Tx, sender: str) -> bool:
    """Whether this sender is to be told now, and remember it: once in AGAIN_S, and MAX_IN_DAY senders in a day."""
    now = tx.now()
    tx.db.execute("DELETE FROM vacation_told WHERE at <= ?", (now - AGAIN_S,))
    if tx.db.execute("SELECT 1 FROM vacation_told WHERE sender = ?", (sender,)).fetchone():
        return False
    (today,) = tx.db.execute("SELECT count(*) FROM vacation_told WHERE at > ?", (now - DAY_S,)).fetchone()
    (all_,) = tx.db.execute("SELECT count(*) FROM vacation_told").fetchone()
    if today >= MAX_IN_DAY or all_ >= MAX_REMEMBERED:
        return False
    tx.db.execute("INSERT INTO vacation_told (sender, at) VALUES (?, ?)", (sender, now))
    return True


def count_told(db: sqlite3.Connection) -> int:
    """How many senders were told."""
    (count,) = db.execute("SELECT count(*) FROM vacation_told").fetchone()
    return int(count)
