"""MTA-STS policies of other domains, kept as long as they say (RFC 8461 §3.3, §5); in server.db.

    known = await server.policies.find("example.org")
    await server.policies.put("example.org", record_id, text, policy)
    await server.policies.put_failure("example.org", "no connection", retry_after)

A failure leaves the policy that was known; what is over is not a policy any more. A row is dropped when nobody has
asked for the domain in half a year. Only this process writes rows, so that they are also kept in memory. Raises
MailError when the database cannot be used.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.clock import Clock
from app.errors import WireError
from app.store.sqlite import Database
from app.store.strangers import printable
from app.trust.mtasts import MtaStsPolicy, parse_policy

DAY_S: Final = 24 * 3600.0
UNUSED_S: Final = 180 * DAY_S
MAX_REMEMBERED: Final = 2000  # in memory
_COLUMNS: Final = "domain, record_id, policy, fetched, valid_until, last_used, retry_after, error"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPolicy:
    """What is known of a domain. Times are seconds since 1970."""

    domain: str
    record_id: str
    policy: MtaStsPolicy | None  # None when none was ever fetched, or it is over
    fetched: float
    valid_until: float
    last_used: float
    retry_after: float  # no fetch before this
    error: str  # of the last fetch; "" when it succeeded


class MtaStsPolicies:
    """The policies in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._rows: dict[str, Sequence[object] | None] = {}  # as on disk; most domains have none

    async def find(self, domain: str) -> KnownPolicy | None:
        """What is known, for use now."""
        now = self._clock.now()
        row = await self._row(domain)
        if row is None:
            return None
        known = _known(row, now)
        if known.last_used < now - DAY_S:  # a day is fine enough, and spares a write for each message
            used = "UPDATE mtasts_policy SET last_used = ? WHERE domain = ?"
            await self._write(domain, used, (now, domain))
        return known

    async def _row(self, domain: str) -> Sequence[object] | None:
        if domain not in self._rows:
            sql = f"SELECT {_COLUMNS} FROM mtasts_policy WHERE domain = ?"
            row = await self._db.read(lambda db: db.execute(sql, (domain,)).fetchone())
            if len(self._rows) >= MAX_REMEMBERED:
                self._rows.clear()
            self._rows[domain] = row
        return self._rows[domain]

    async def _write(self, domain: str, sql: str, values: tuple[object, ...]) -> None:
        try:
            await self._db.write(lambda db: _run(db, sql, values))
        finally:
            self._rows.pop(domain, None)

    async def put(self, domain: str, record_id: str, text: bytes, policy: MtaStsPolicy) -> None:
        """Keep a policy that was fetched now."""
        now = self._clock.now()
        sql = f"""INSERT INTO mtasts_policy ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?4, 0, '')
            ON CONFLICT (domain) DO UPDATE SET record_id = ?2, policy = ?3, fetched = ?4, valid_until = ?5,
            retry_after = 0, error = ''"""
        await self._write(domain, sql, (domain, record_id, text, now, now + policy.max_age_s))

    async def put_failure(self, domain: str, error: str, retry_after: float) -> None:
        """Remember that no policy could be fetched."""
        sql = f"""INSERT INTO mtasts_policy ({_COLUMNS}) VALUES (?1, '', x'', 0, 0, ?2, ?3, ?4)
            ON CONFLICT (domain) DO UPDATE SET retry_after = ?3, error = ?4"""
        await self._write(domain, sql, (domain, self._clock.now(), retry_after, printable(error)))

    async def due(self, limit: int) -> Sequence[str]:
        """Domains in use whose policy was last fetched more than a day ago; those out of use are forgotten."""
        now = self._clock.now()
        old = "DELETE FROM mtasts_policy WHERE last_used < ?"
        if await self._db.write(lambda db: _run(db, old, (now - UNUSED_S,))):
            self._rows.clear()
        sql = """SELECT domain FROM mtasts_policy WHERE valid_until > ?1 AND fetched < ?1 - ?2 AND retry_after <= ?1
            ORDER BY fetched LIMIT ?3"""
        return await self._db.read(lambda db: [row[0] for row in db.execute(sql, (now, DAY_S, limit))])

    async def forget(self, domain: str) -> bool:
        """Know nothing of a domain any more; False when that was so."""
        try:
            return (
                await self._db.write(lambda db: _run(db, "DELETE FROM mtasts_policy WHERE domain = ?", (domain,))) > 0
            )
        finally:
            self._rows.pop(domain, None)

    async def all(self, limit: int) -> Sequence[KnownPolicy]:
        """What is known, by domain, for people."""
        now = self._clock.now()
        sql = f"SELECT {_COLUMNS} FROM mtasts_policy ORDER BY domain LIMIT ?"
        return await self._db.read(lambda db: [_known(row, now) for row in db.execute(sql, (limit,))])


def _run(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    return db.execute(sql, values).rowcount


def _known(row: Sequence[object], now: float) -> KnownPolicy:
    domain, record_id, text, fetched, valid_until, last_used, retry_after, error = row
    assert isinstance(text, bytes)
    assert isinstance(valid_until, float)
    try:
        policy = parse_policy(text) if valid_until > now else None
    except WireError:  # a version of this program that read policies otherwise
        policy = None
    return KnownPolicy(
        domain=str(domain),
        record_id=str(record_id),
        policy=policy,
        fetched=float(str(fetched)),
        valid_until=valid_until,
        last_used=float(str(last_used)),
        retry_after=float(str(retry_after)),
        error=str(error),
    )
