"""How connections of ours to other servers fared with TLS, until the domains that ask for it hear of it; in server.db.

    server.tls_results.record(TlsResult(domain=recipient_domain, kind="sts", lines=policy.lines, failure=...))
    days = await server.tls_results.days()          # what is to be reported, oldest first
    policies = await server.tls_results.policies(days[0])

Whoever makes a connection records one result for each policy that was looked at: `domain` is the recipient's domain,
or, when the policy is of a host (TLSA records), also the host with `is_host`. Equal results of a day (UTC) are one row
with a count; a domain has at most MAX_ROWS rows, all together MAX_ALL. A crash loses at most a second. Raises
MailError when the database cannot be used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.clock import Clock
from app.store.folding import Folding
from app.store.sqlite import Database
from app.wire.domain import Domain
from app.wire.reports.tls import TlsFailure, TlsPolicy

DAY_S: Final = 24 * 3600
KEPT_S: Final = 3 * DAY_S
MAX_ROWS: Final = 1000  # of a domain
MAX_ALL: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsResult:
    """One connection by one policy. `failure` is None for one that was encrypted as the policy asks."""

    domain: Domain
    kind: str  # sts, tlsa or no-policy-found (RFC 8460 §4.4)
    lines: tuple[str, ...] = ()  # of the policy
    hosts: tuple[str, ...] = ()  # patterns of exchangers in it
    failure: TlsFailure | None = None
    is_host: bool = False
    is_optional: bool = False  # it carried only reports, which are no reason for another


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfDomain:
    """What one report is about. `day` is its first second."""

    domain: Domain
    day: int
    is_host: bool = False
    successful: int = 0
    failed: int = 0
    is_optional: bool = False  # nothing in it is reason for a report
    has_reason: bool = False  # a failure that is not optional


class TlsResults:
    """The results in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._folding: Folding[tuple[int, TlsResult]] = Folding(db, self._store, "TLS results")
        self.flush = self._folding.flush
        self.close = self._folding.close

    def record(self, result: TlsResult) -> None:
        """Remember how a connection fared; called on the event loop of the server, never waits."""
        self._folding.record((int(self._clock.now()) // DAY_S * DAY_S, result))

    def _store(self, db: sqlite3.Connection, batch: Mapping[tuple[int, TlsResult], int]) -> None:
        _store(db, batch, self._clock.now())

    async def days(self, domain: str = "", limit: int = -1) -> Sequence[DayOfDomain]:
        """What is kept, of all or of one domain: oldest day first, recipients' domains before hosts."""
        await self.flush()
        now = self._clock.now()
        await self._db.write(lambda db: _drop(db, "day < ?", (now - KEPT_S,)))
        return await self._db.read(lambda db: _days(db, domain, limit))

    async def policies(self, day: DayOfDomain) -> Sequence[TlsPolicy]:
        """What the report of a day says."""
        return await self._db.read(lambda db: _policies(db, day))

    async def remove(self, day: DayOfDomain) -> None:
        """Forget what was reported."""
        await self._db.write(lambda db: _drop(db, "domain = ? AND day = ?", (day.domain.ascii, day.day)))

    async def remove_domain(self, domain: str) -> int:
        """Forget all of a domain, so that it gets no report; how many rows there were."""
        await self.flush()
        return await self._db.write(lambda db: _drop(db, "domain = ?", (domain,)))


def _store(db: sqlite3.Connection, batch: Mapping[tuple[int, TlsResult], int], now: float) -> None:
    (size,) = db.execute("SELECT count(*) FROM tls_result").fetchone()
    for (day, result), count in batch.items():
        policy, failure = _write_policy(result), _write_failure(result.failure)
        text = f"{result.domain.ascii} {day} {result.is_host:d} {result.is_optional:d} {policy} {failure}"
        key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        sql = "UPDATE tls_result SET count = count + ?, last = ? WHERE key = ?"
        if db.execute(sql, (count, now, key)).rowcount:
            continue
        (own,) = db.execute("SELECT count(*) FROM tls_result WHERE domain = ?", (result.domain.ascii,)).fetchone()
        if size < MAX_ALL and own < MAX_ROWS:
            size += 1
            sql = """INSERT INTO tls_result (key, domain, day, is_host, is_optional, policy, failure, count, last)
                VALUES (?,?,?,?,?,?,?,?,?)"""
            flags = (result.is_host, result.is_optional)
            db.execute(sql, (key, result.domain.ascii, day, *flags, policy, failure, count, now))


def _write_policy(result: TlsResult) -> str:
    return json.dumps([result.kind, result.lines, result.hosts], separators=(",", ":"))


def _write_failure(failure: TlsFailure | None) -> str:
    """The failure without its count; "" for none."""
    if failure is None:
        return ""
    fields = {name: str(value) for name, value in dataclasses.asdict(failure).items() if value and name != "sessions"}
    return json.dumps(fields, separators=(",", ":"))


def _read_failure(text: str, count: int) -> TlsFailure:
    fields = json.loads(text)
    ips = {name: ipaddress.ip_address(fields[name]) for name in ("sending_ip", "receiving_ip") if name in fields}
    return TlsFailure(sessions=count, **fields | ips)


def _drop(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> int:
    return db.execute(f"DELETE FROM tls_result WHERE {where}", values).rowcount


def _days(db: sqlite3.Connection, domain: str, limit: int) -> Sequence[DayOfDomain]:
    sql = """SELECT domain, day, max(is_host), sum(count * (failure = '')), sum(count * (failure <> '')),
        min(is_optional), max(failure <> '' AND NOT is_optional) FROM tls_result WHERE ? IN ('', domain)
        GROUP BY domain, day ORDER BY day, 3, domain LIMIT ?"""
    return [
        DayOfDomain(
            domain=Domain(name),
            day=day,
            is_host=bool(is_host),
            successful=successful,
            failed=failed,
            is_optional=bool(optional),
            has_reason=bool(reason),
        )
        for name, day, is_host, successful, failed, optional, reason in db.execute(sql, (domain, limit))
    ]


def _policies(db: sqlite3.Connection, day: DayOfDomain) -> Sequence[TlsPolicy]:
    sql = """SELECT policy, failure, sum(count) FROM tls_result WHERE domain = ? AND day = ?
        GROUP BY policy, failure ORDER BY policy, 3 DESC, failure"""
    found: dict[str, tuple[int, list[TlsFailure]]] = {}
    for policy, failure, count in db.execute(sql, (day.domain.ascii, day.day)):
        successful, failures = found.get(policy, (0, []))
        if failure:
            failures.append(_read_failure(failure, count))
        found[policy] = (successful if failure else successful + count, failures)
    return [_policy(day.domain, text, *facts) for text, facts in found.items()]


def _policy(domain: Domain, text: str, successful: int, failures: Sequence[TlsFailure]) -> TlsPolicy:
    kind, lines, hosts = json.loads(text)
    return TlsPolicy(
        kind=kind,
        domain=domain,
        lines=tuple(lines),
        hosts=tuple(hosts),
        successful=successful,
        failed=sum(one.sessions for one in failures),
        failures=tuple(failures),
    )
