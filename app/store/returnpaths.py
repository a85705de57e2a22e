"""Return addresses of forwarded mail: the secret that signs them, and senders whose own address is too long for one.

    at = await server.returns.path(sender, domain)         # the reverse-path of a message that is forwarded
    sender = await server.returns.read(address)            # who mail to it is for; raises CannotReturn

The address itself tells who the sender is (`routing/srs.py`), so almost nothing is kept. An SMTP localpart has at most
64 octets (RFC 5321 §4.5.3.1.1), and those of mailing lists fill them alone: for them the address names a number here,
at a domain that cannot be. The secret is made once and never changes, as mail may come back for weeks.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from app.clock import Clock
from app.errors import WireError
from app.routing import srs
from app.routing.srs import CannotReturn
from app.store.sqlite import Database
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import NULL_PATH, Address, AddressLiteral, ReversePath, parse_path_address

MAX_OCTETS: Final = 64
SECRET_BYTES: Final = 32
KEPT_S: Final = (srs.VALID_DAYS + 2) * srs.DAY_S
KEPT: Final = parse_domain("kept.invalid")  # RFC 2606 §2: nobody has it


class ReturnPaths:
    """The return addresses of one server."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._secret = b""

    async def path(self, sender: ReversePath, at: Domain) -> ReversePath:
        """The reverse-path for mail of the sender that is forwarded in the name of our domain."""
        if not isinstance(sender, Address | AddressLiteral):
            return NULL_PATH
        secret, now = await self._key(), self._clock.now()
        if isinstance(sender, Address):
            rewritten = srs.rewrite(sender, at, secret, now)
            if len(rewritten.localpart.encode()) <= MAX_OCTETS:
                return rewritten
        number = await self._db.write(lambda db: _keep(db, str(sender), now))
        return srs.rewrite(Address(str(number), KEPT), at, secret, now)

    async def read(self, address: Address) -> Address | AddressLiteral:
        """Who mail to a return address is for; raises CannotReturn."""
        found = srs.read(address.localpart, await self._key(), self._clock.now())
        if found.domain != KEPT:
            return found
        text = await self._db.read(lambda db: _find(db, found.localpart))
        try:
            return parse_path_address(text)
        except WireError:
            raise CannotReturn("the message was forwarded too long ago") from None

    async def _key(self) -> bytes:
        if not self._secret:
            self._secret = await self._db.write(_secret)
        return self._secret


def _secret(db: sqlite3.Connection) -> bytes:
    sql = "INSERT OR IGNORE INTO return_secret (id, secret) VALUES (1, ?)"
    db.execute(sql, (secrets.token_bytes(SECRET_BYTES),))
    (secret,) = db.execute("SELECT secret FROM return_secret").fetchone()
    return bytes(secret)


def _keep(db: sqlite3.Connection, address: str, now: float) -> int:
    """The number of the address; what nobody can come back to is forgotten."""
    db.execute("DELETE FROM returned_sender WHERE last_used < ?", (now - KEPT_S,))
    sql = """INSERT INTO returned_sender (address, last_used) VALUES (?, ?)
        ON CONFLICT (address) DO UPDATE SET last_used = excluded.last_used RETURNING id"""
    (number,) = db.execute(sql, (address, now)).fetchone()
    return int(number)


def _find(db: sqlite3.Connection, number: str) -> str:
    row = db.execute("SELECT address FROM returned_sender WHERE id = ?", (number,)).fetchone()
    return str(row[0]) if row else ""
