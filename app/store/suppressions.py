"""Addresses that an account does not send to, such as those that are known not to exist.

An address is kept in its base form, as mailbox providers see it: what follows a + or - in the localpart is left out,
and so are dots and case. Mail of the account to such an address fails without a connection, and its sender is told.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import Refusal
from app.wire.smtp.address import Address

if TYPE_CHECKING:
    from app.clock import Clock
    from app.store.sqlite import Database

MAX_OF_ACCOUNT: Final = 100_000
MAX_REASON: Final = 1000
_DETAIL: Final = re.compile(r"(?<=.)[+-].*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One address of one account."""

    account: str
    base_address: str
    original_address: str
    manual: bool
    reason: str
    created: float  # seconds since 1970


def base_of(address: Address) -> str:
    """The form in which addresses are compared."""
    localpart = _DETAIL.sub("", address.localpart.lower())
    return f"{localpart.replace('.', '') or localpart}@{address.domain.ascii}"


class Suppressions:
    """The rows in the queue's database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def add(self, account: str, address: Address, reason: str) -> None:
        """Suppress an address by hand; raises Refusal when it is already, or there are too many."""
        values = (account, base_of(address), str(address), reason[:MAX_REASON], self._clock.now())
        await self._db.write(lambda db: _add(db, values))

    async def remove(self, account: str, address: Address) -> bool:
        """Whether it was suppressed."""
        sql, values = "DELETE FROM suppression WHERE account = ? AND base_address = ?", (account, base_of(address))
        return await self._db.write(lambda db: db.execute(sql, values).rowcount > 0)

    async def forget(self, account: str) -> None:
        """Remove all that an account had."""
        await self._db.write(lambda db: db.execute("DELETE FROM suppression WHERE account = ?", (account,)))

    async def list(self, account: str = "", address: Address | None = None) -> Sequence[Suppression]:
        """Those of an account or of all, of an address or all of them."""
        values = (account, base_of(address) if address else "")
        return await self._db.read(lambda db: _list(db, values))

    async def among(self, account: str, addresses: Sequence[object]) -> frozenset[object]:
        """Those of the addresses that the account does not send to."""
        bases = {address: base_of(address) for address in addresses if isinstance(address, Address)}
        if not bases:
            return frozenset()
        marks = ",".join("?" * len(bases))
        sql = f"SELECT base_address FROM suppression WHERE account = ? AND base_address IN ({marks})"
        rows = await self._db.read(lambda db: db.execute(sql, (account, *bases.values())).fetchall())
        found = {base for (base,) in rows}
        return frozenset(address for address, base in bases.items() if base in found)


def _add(db: sqlite3.Connection, values: tuple[str, str, str, str, float]) -> None:
    account, _, original, _, _ = values
    if db.execute("SELECT count(*) FROM suppression WHERE account = ?", (account,)).fetchone()[0] >= MAX_OF_ACCOUNT:
        raise Refusal(f"account {account!r} has {MAX_OF_ACCOUNT} suppressed addresses already")
    sql = """INSERT OR IGNORE INTO suppression (account, base_address, original_address, manual, reason, created)
        VALUES (?, ?, ?, 1, ?, ?)"""
    if not db.execute(sql, values).rowcount:
        raise Refusal(f"{original} is suppressed already")


def _list(db: sqlite3.Connection, values: tuple[str, str]) -> Sequence[Suppression]:
    sql = f"""SELECT account, base_address, original_address, manual, reason, created FROM suppression
        WHERE ?1 IN ('', account) AND ?2 IN ('', base_address)
        ORDER BY account, base_address LIMIT {MAX_OF_ACCOUNT}"""
    return [
        Suppression(
            account=account,
            base_address=base,
            original_address=original,
            manual=bool(manual),
            reason=reason,
            created=created,
        )
        for account, base, original, manual, reason, created in db.execute(sql, values)
    ]
