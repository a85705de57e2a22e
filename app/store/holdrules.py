"""Rules that put mail on hold: what is queued and matches one waits until an operator lets it go.

A rule names an account, the domain of the sender, the domain of the recipient, or several of them; all that it names
must be equal. A rule without any holds everything. Adding one holds what is in the queue already; removing one lets
nothing go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import Refusal
from app.store.queuerecords import QueueFilter
from app.store.queuerows import FROM, condition

if TYPE_CHECKING:
    from app.store.sqlite import Database

MAX_RULES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRule:
    """One rule; "" for what does not matter. Domains are in ASCII."""

    id: int = 0
    account: str = ""
    sender_domain: str = ""
    recipient_domain: str = ""


class HoldRules:
    """The rules in the queue's database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> Sequence[HoldRule]:
        """Every rule, oldest first."""
        sql = "SELECT id, account, sender_domain, recipient_domain FROM hold_rule ORDER BY id"
        rows = await self._db.read(lambda db: db.execute(sql).fetchall())
        return [
            HoldRule(id=number, account=account, sender_domain=sender, recipient_domain=recipient)
            for number, account, sender, recipient in rows
        ]

    async def add(self, rule: HoldRule) -> tuple[int, int]:
        """The number of the new rule, and how many recipients it put on hold; raises Refusal."""
        return await self._db.write(lambda db: _add(db, rule))

    async def remove(self, number: int) -> bool:
        """Whether there was a rule of that number."""
        return await self._db.write(lambda db: db.execute("DELETE FROM hold_rule WHERE id = ?", (number,)).rowcount > 0)

    async def forget(self, account: str) -> None:
        """Remove the rules that name an account."""
        await self._db.write(lambda db: db.execute("DELETE FROM hold_rule WHERE account = ?", (account,)))


def _add(db: sqlite3.Connection, rule: HoldRule) -> tuple[int, int]:
    if db.execute("SELECT count(*) FROM hold_rule").fetchone()[0] >= MAX_RULES:
        raise Refusal(f"there are {MAX_RULES} rules already")
    values = (rule.account, rule.sender_domain, rule.recipient_domain)
    sql = "INSERT INTO hold_rule (account, sender_domain, recipient_domain) VALUES (?, ?, ?) RETURNING id"
    (number,) = db.execute(sql, values).fetchone()
    which = QueueFilter(
        account=rule.account,
        sender=f"@{rule.sender_domain}" if rule.sender_domain else "",
        recipient=f"@{rule.recipient_domain}" if rule.recipient_domain else "",
        hold=False,
    )
    where, wanted = condition(which)
    held = db.execute(f"UPDATE recipient SET hold = 1 WHERE id IN (SELECT r.id {FROM} WHERE {where})", wanted).rowcount
    return int(number), held


def must_hold(db: sqlite3.Connection, account: str, sender_domain: str, recipient_domain: str) -> bool:
    """Whether a rule matches what is being queued."""
    sql = """SELECT 1 FROM hold_rule WHERE account IN ('', ?) AND sender_domain IN ('', ?)
        AND recipient_domain IN ('', ?) LIMIT 1"""
    return db.execute(sql, (account, sender_domain, recipient_domain)).fetchone() is not None
