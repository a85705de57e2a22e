"""Attempts to sign in, kept for the people who want to know who tried: 30 days, equal ones folded with a count.

`record` takes what SignIn tells of each attempt; it never waits and never raises. What came in within a second is
written in one transaction; a crash loses at most that second. Memory is bounded: when more different attempts come in a
second than `MAX_PENDING`, the rest are only counted in the log. `list` writes first, so it shows everything.

Of each account at most 10,000 failed rows are kept; those of unknown users are under "-", the administrator's under
"(admin)". What was typed as the name of an unknown user may be a password: it is kept only in the form of an address.
Results are ok, baduser, badpassword, badcreds, badchanbind, badprotocol, logindisabled, ratelimited, error, aborted.
SQL for the table login_attempt is only here.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

from app.clock import Clock
from app.errors import MailError
from app.log import logger
from app.store.signin import FailureKind, SignInAttempt
from app.store.sqlite import Database
from app.store.strangers import printable

UNKNOWN = "-"
ADMIN = "(admin)"
OK = "ok"
KEPT_S = 30 * 24 * 3600.0
MAX_FAILED = 10_000  # rows of one account
MAX_PENDING = 2000  # rows of one second
WRITE_INTERVAL_S = 1.0
MAX_INTERVAL_S = 60.0  # while the disk does not take them
_MAX_ADDRESS = 80

# A host name at the end, with a top-level domain of letters: "p@ssw0rd" is a password, not an address.
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}", re.I)
_RESULTS = {
    FailureKind.MECHANISM_UNKNOWN.value: "badprotocol",
    FailureKind.NEEDS_TLS.value: "badprotocol",
}
_WITH_PASSWORD = ("PLAIN", "LOGIN", "WEBFORM")

_LOG = logger("store")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What makes attempts equal; all of it may be shown, escaped."""

    account: str
    login_address: str  # "" when it was not kept
    remote: str
    local: str
    tls: str  # version and cipher; "" without TLS
    protocol: str
    user_agent: str
    mechanism: str
    result: str
    client_key: str  # the fingerprint of the registered key that it was with; "" without

    @property
    def is_failed(self) -> bool:
        """Whether nobody was let in."""
        return self.result != OK


@dataclass(frozen=True, slots=True)
class LoginAttempt(Attempt):
    """Equal attempts: how many there were, and when."""

    count: int
    first: float
    last: float


@dataclass(slots=True)
class _Folded:
    """Equal attempts that are not written yet."""

    count: int
    first: float
    last: float


class LoginAttempts:
    """The attempts in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._pending: dict[Attempt, _Folded] = {}
        self._left_out = 0
        self._interval_s = WRITE_INTERVAL_S
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    def record(self, attempt: SignInAttempt) -> None:
        """Remember an attempt; called on the event loop of the server."""
        if self._closed:
            return
        try:
            self._fold(attempt_of(attempt), _Folded(1, self._clock.now(), self._clock.now()))
            self._start_flushing()
        except Exception as error:  # whatever is wrong with a record, the sign-in goes on
            _LOG.error("cannot record a sign-in", error=type(error).__name__)

    async def list(self, account: str | None, limit: int, *, only_failed: bool = False) -> Sequence[LoginAttempt]:
        """The newest attempts of an account, or of all; newest first."""
        await self.flush()
        since = self._clock.now() - KEPT_S
        return await self._db.read(lambda db: _newest(db, account, limit, since, only_failed=only_failed))

    async def flush(self) -> None:
        """Write what was recorded; when that fails it is kept for the next time."""
        batch = self._take()
        if not batch:
            return
        now = self._clock.now()
        try:
            await self._db.write(lambda db: _store(db, batch, now))
            self._interval_s = WRITE_INTERVAL_S
        except (MailError, sqlite3.Error) as error:
            self._interval_s = min(2 * self._interval_s, MAX_INTERVAL_S)
            self._put_back(batch, error)

    def close(self) -> None:
        """Write what is left; later records are ignored."""
        self._closed = True
        if batch := self._take():
            now = self._clock.now()
            try:
                self._db.write_now(lambda db: _store(db, batch, now))
            except (MailError, sqlite3.Error) as error:
                _LOG.error("sign-ins of the last second are not recorded", error=error)

    def _fold(self, attempt: Attempt, new: _Folded) -> None:
        known = self._pending.get(attempt)
        if known is not None:
            known.count += new.count
            known.first = min(known.first, new.first)
            known.last = max(known.last, new.last)
        elif len(self._pending) < MAX_PENDING:
            self._pending[attempt] = new
        else:
            self._left_out += new.count

    def _start_flushing(self) -> None:
        if self._flushing is not None and not self._flushing.done():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop: `close` or `list` writes
            return
        self._flushing = loop.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        """Write once a second while there is something."""
        while self._pending and not self._closed:
            await asyncio.sleep(self._interval_s)
            await self.flush()

    def _take(self) -> dict[Attempt, _Folded]:
        batch, self._pending = self._pending, {}
        if self._left_out:
            _LOG.warn("more sign-ins than are recorded", left_out=self._left_out)
            self._left_out = 0
        return batch

    def _put_back(self, batch: dict[Attempt, _Folded], error: Exception) -> None:
        _LOG.error("cannot record sign-ins", attempts=len(batch), error=error)
        for attempt, folded in batch.items():
            self._fold(attempt, folded)


def attempt_of(told: SignInAttempt) -> Attempt:
    """What is kept of an attempt."""
    context = told.context
    return Attempt(
        account=told.account_name or UNKNOWN,
        login_address=_login_address(told),
        remote=str(context.remote),
        local=str(context.local or ""),
        tls=context.tls_name,
        protocol=context.protocol,
        user_agent=printable(context.user_agent),
        mechanism=told.mechanism.lower(),
        result=_result(told),
        client_key=told.client_key,
    )


def _login_address(told: SignInAttempt) -> str:
    if told.account_name:
        return printable(told.login_address)
    text = told.login_address.strip()
    return text if len(text) <= _MAX_ADDRESS and _ADDRESS.fullmatch(text) else ""


def _result(told: SignInAttempt) -> str:
    """The word for a result; who sent a password is told apart from who proved to know one."""
    if told.result == FailureKind.BAD_CREDENTIALS.value and told.mechanism.upper() in _WITH_PASSWORD:
        return "badpassword" if told.account_name else "baduser"
    return _RESULTS.get(told.result, told.result)


_KEY_COLUMNS = ", ".join(one.name for one in fields(Attempt))
_COLUMNS = f"{_KEY_COLUMNS}, count, first, last"
_INSERT = (
    f"INSERT INTO login_attempt ({_COLUMNS}, key, is_failed) VALUES ({', '.join('?' * (len(fields(Attempt)) + 5))})"
    " ON CONFLICT (key) DO UPDATE SET count = count + excluded.count, first = min(first, excluded.first),"
    " last = max(last, excluded.last)"
)


def _store(db: sqlite3.Connection, batch: dict[Attempt, _Folded], now: float) -> None:
    db.executemany(_INSERT, (_row(attempt, folded) for attempt, folded in batch.items()))
    db.execute("DELETE FROM login_attempt WHERE last <= ?", (now - KEPT_S,))
    _drop_excess(db, {attempt.account for attempt in batch if attempt.is_failed})


def _row(attempt: Attempt, folded: _Folded) -> tuple[object, ...]:
    values = astuple(attempt)
    key = hashlib.sha256("\0".join(values).encode("utf-8", "surrogatepass")).digest()
    return (*values, folded.count, folded.first, folded.last, key, attempt.is_failed)


def _drop_excess(db: sqlite3.Connection, accounts: Iterable[str]) -> None:
    for account in accounts:
        db.execute(
            "DELETE FROM login_attempt WHERE id IN (SELECT id FROM login_attempt WHERE account = ? AND is_failed = 1"
            " ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?)",
            (account, MAX_FAILED),
        )


def _newest(
    db: sqlite3.Connection, account: str | None, limit: int, since: float, *, only_failed: bool
) -> list[LoginAttempt]:
    wanted = ["last > ?"]
    parameters: list[object] = [since]
    if account is not None:
        wanted.append("account = ?")
        parameters.append(account)
    if only_failed:
        wanted.append("is_failed = 1")
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM login_attempt WHERE {' AND '.join(wanted)} ORDER BY last DESC, id DESC LIMIT ?",
        (*parameters, max(0, limit)),
    )
    return [LoginAttempt(*row) for row in rows]
