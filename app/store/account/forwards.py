"""Where mail of an account is forwarded to: for each of its addresses some targets elsewhere, and whether a copy stays.

    plan = (await forwards.current(account)).get(destination_key)      # what a delivery asks

A target counts when its holder has confirmed it with the code that was sent there, so nobody floods a stranger. Kept
with the account and not in domains.conf: its holder changes it, and the Go server's file has no word for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.errors import Refusal
from app.store.account.handle import Account, Tx

MAX_TARGETS: Final = 5  # of one address
MAX_ALL: Final = 30  # of the account
MAX_TRIES: Final = 5  # wrong codes, then a new one is needed
CODE_VALID_S: Final = 24 * 3600
MAX_CODES_IN_DAY: Final = 10
MAX_FAILURE: Final = 500  # characters

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
_CODE_LENGTH: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address elsewhere."""

    id: int
    destination: str  # the key of Destinations in domains.conf
    address: str
    is_confirmed: bool
    code_sent: int
    failed: int  # seconds since 1970; 0 for never
    failure: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with mail to one address."""

    targets: tuple[str, ...]  # confirmed
    keeps_copy: bool


class Answer(Enum):
    """To a code that was typed."""

    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"  # too old, or too many wrong ones: a new code is needed


async def current(account: Account) -> Mapping[str, Plan]:
    """The plans by destination; read once, as every delivery asks."""
    if account.forwards is None:
        account.forwards = await account.read(_plans)
    return account.forwards


def _plans(db: sqlite3.Connection) -> Mapping[str, Plan]:
    found: dict[str, list[str]] = {}
    sql = "SELECT destination, address FROM forward WHERE is_confirmed ORDER BY id"
    for destination, address in db.execute(sql):
        found.setdefault(destination, []).append(address)
    only = {row[0] for row in db.execute("SELECT destination FROM forward_only")}
    return {key: Plan(tuple(targets), key not in only) for key, targets in found.items()}


def targets(db: sqlite3.Connection) -> Sequence[Target]:
    """All of them, also those not confirmed."""
    sql = "SELECT id, destination, address, is_confirmed, code_sent, failed, failure FROM forward ORDER BY id"
    return [
        Target(
            id=number,
            destination=destination,
            address=address,
            is_confirmed=bool(is_confirmed),
            code_sent=code_sent,
            failed=failed,
            failure=failure,
        )
        for number, destination, address, is_confirmed, code_sent, failed, failure in db.execute(sql)
    ]


def keeps_copy(db: sqlite3.Connection, destination: str) -> bool:
    """Whether forwarded mail stays here as well."""
    return db.execute("SELECT 1 FROM forward_only WHERE destination = ?", (destination,)).fetchone() is None


async def add(account: Account, destination: str, address: str) -> str:
    """Add a target, or ask one again that is not confirmed; the code to be sent there. Raises Refusal."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    await account.write(lambda tx: _add(tx, destination, address, code))
    account.forwards = None
    return code


def _add(tx: Tx, destination: str, address: str, code: str) -> None:
    now = tx.now()
    rows = [one for one in targets(tx.db) if (one.destination, one.address) != (destination, address)]
    if len(rows) >= MAX_ALL or sum(one.destination == destination for one in rows) >= MAX_TARGETS:
        raise Refusal(f"mail can be forwarded to {MAX_TARGETS} addresses at most, {MAX_ALL} for the whole account")
    tx.db.execute("DELETE FROM forward_code WHERE at <= ?", (now - 24 * 3600,))
    (sent,) = tx.db.execute("SELECT count(*) FROM forward_code").fetchone()
    if sent >= MAX_CODES_IN_DAY:
        raise Refusal("too many codes were sent today; try again tomorrow")
    tx.db.execute("INSERT INTO forward_code (at) VALUES (?)", (now,))
    sql = """INSERT INTO forward (destination, address, code, code_sent) VALUES (?, ?, ?, ?)
        ON CONFLICT (destination, address) DO UPDATE SET code = excluded.code, code_sent = excluded.code_sent, tries = 0
        WHERE NOT is_confirmed"""
    if not tx.db.execute(sql, (destination, address, _digest(code), now)).rowcount:
        raise Refusal(f"mail is forwarded to {address} already")


async def confirm(account: Account, number: int, code: str) -> Answer:
    """Confirm a target with the code that was sent to it."""

    def check(tx: Tx) -> Answer:
        sql = "UPDATE forward SET tries = tries + 1 WHERE id = ? AND NOT is_confirmed RETURNING code, code_sent, tries"
        row = tx.db.execute(sql, (number,)).fetchone()
        if row is None or row[2] > MAX_TRIES or row[1] + CODE_VALID_S <= tx.now():
            return Answer.OVER
        if not hmac.compare_digest(row[0], _digest(code.strip().lower())):
            return Answer.WRONG
        tx.db.execute("UPDATE forward SET is_confirmed = 1, code = x'' WHERE id = ?", (number,))
        return Answer.RIGHT

    answer = await account.write(check)
    account.forwards = None
    return answer


async def remove(account: Account, number: int) -> None:
    """Forward nothing there any more."""
    await account.write(lambda tx: tx.db.execute("DELETE FROM forward WHERE id = ?", (number,)))
    account.forwards = None


async def set_copy(account: Account, destination: str, *, keeps: bool) -> None:
    """Whether mail that is forwarded stays here as well."""
    sql = "DELETE FROM forward_only WHERE destination = ?" if keeps else "INSERT OR IGNORE INTO forward_only VALUES (?)"
    await account.write(lambda tx: tx.db.execute(sql, (destination,)))
    account.forwards = None


def note_failure(tx: Tx, destination: str, address: str, words: str) -> None:
    """Remember that the target has refused a message, for the page."""
    sql = "UPDATE forward SET failed = ?, failure = ? WHERE destination = ? AND address = ?"
    tx.db.execute(sql, (tx.now(), words[:MAX_FAILURE], destination, address))


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
