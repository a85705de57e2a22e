"""Sessions of the web pages: who signed in with which browser, until when.

    made = await sessions.create(Kind.ACCOUNT, "jane", login_address="jane@example.com", remote=..., user_agent=...)
    session = await sessions.find(Kind.ACCOUNT, token)      # None: sign in again

The browser has a token of 128 random bits; here is only its SHA-256, so that a stolen database opens no session. A
session lasts a while after its last use, which is written at most every five minutes. The number for each account is
limited; the ones that were not used for longest go. Account sessions also end when the password is changed
(`passwords.py`).

The administrator's sessions are kept here too, and not in memory: a restart, which an upgrade and a change of mox.conf
need, does not sign anybody out in the middle of it, and several processes can serve pages. They end by themselves when
the password does: each holds a digest of `admin_seal` (the content of the password file) at sign-in, so a password
that was set by a command or by hand ends them as well. SQL for the table web_session is only here.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from app.clock import Clock
from app.errors import Temporary
from app.ids import token as new_token
from app.log import logger
from app.store.sqlite import Database
from app.store.strangers import printable

WRITE_INTERVAL_S = 5 * 60.0  # between two writes that say that a session is used
_MAX_TOKEN = 100  # far more than ours have

_LOG = logger("store")


class Kind(Enum):
    """Which pages a session is for."""

    ADMIN = "admin"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long the sessions of a kind last after their last use, and how many there may be for each account."""

    seconds: float
    most: int


LASTING = {Kind.ADMIN: Lasting(12 * 3600.0, 10), Kind.ACCOUNT: Lasting(24 * 3600.0, 100)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A session that is open."""

    id: int
    kind: Kind
    account: str  # "" for the administrator
    login_address: str
    csrf: str = field(repr=False)  # what forms of this session carry
    created: float
    last_used: float
    expires: float
    remote: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just made, with the token that is told once."""

    token: str = field(repr=False)
    session: WebSession


def file_seal(path: Path) -> Callable[[], bytes]:
    """For `admin_seal`: what the file of the administrator's password holds at each call."""

    def content() -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            return b""  # of no password: what was sealed with one is over

    return content


class WebSessions:
    """The sessions in a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.admin_seal: Callable[[], bytes] = lambda: b""  # called in a thread; may read a file
        self._db = db
        self._clock = clock

    async def create(
        self, kind: Kind, account: str, *, login_address: str = "", remote: str, user_agent: str
    ) -> NewSession:
        """A new session, after the password was found right."""
        token, now = new_token(), self._clock.now()
        session = WebSession(
            id=0,
            kind=kind,
            account=account,
            login_address=login_address,
            csrf=new_token(),
            created=now,
            last_used=now,
            expires=now + LASTING[kind].seconds,
            remote=remote,
            user_agent=printable(user_agent),
        )
        return NewSession(
            token, await self._db.write(lambda db: _insert(db, session, _digest(token), self._seal(kind)))
        )

    async def find(self, kind: Kind, token: str) -> WebSession | None:
        """The session of a browser's token, which counts as used; None when there is none (any more)."""
        if not token or len(token) > _MAX_TOKEN:
            return None
        digest = _digest(token)
        found = await self._db.read(lambda db: self._open_session(db, kind, digest))
        if found is not None and self._clock.now() - found.last_used >= WRITE_INTERVAL_S:
            await self._used(found)
        return found

    async def end(self, session_id: int, *, account: str | None = None) -> None:
        """End a session; with `account`, only when it is one of that account's."""
        await self._db.write(lambda db: _delete(db, session_id, account))

    async def end_all(self, kind: Kind, account: str, *, but: int | None = None) -> None:
        """End all sessions of an account, except perhaps one."""
        await self._db.write(lambda db: _delete_all(db, kind, account, but))

    def end_all_now(self, kind: Kind, account: str) -> None:
        """The same for a caller without an event loop."""
        self._db.write_now(lambda db: _delete_all(db, kind, account, None))

    async def seal_again(self, session_id: int) -> None:
        """After the administrator's password was changed in this session, it goes on; the others are over."""
        await self._db.write(
            lambda db: db.execute(
                "UPDATE web_session SET seal = ? WHERE id = ? AND kind = ?",
                (self._seal(Kind.ADMIN), session_id, Kind.ADMIN.value),
            )
        )

    async def list(self, kind: Kind, account: str) -> Sequence[WebSession]:
        """The open sessions of an account, the last used first."""
        return await self._db.read(lambda db: self._sessions(db, kind, account))

    def _open_session(self, db: sqlite3.Connection, kind: Kind, digest: bytes) -> WebSession | None:
        row = db.execute(
            f"SELECT {_COLUMNS}, token_hash, seal FROM web_session WHERE token_hash = ? AND kind = ?",
            (digest, kind.value),
        ).fetchone()
        if row is None:
            return None
        *values, token_hash, seal = row
        session = _session(values)
        is_right = hmac.compare_digest(token_hash, digest) and hmac.compare_digest(seal, self._seal(kind))
        return session if is_right and session.expires > self._clock.now() else None

    def _sessions(self, db: sqlite3.Connection, kind: Kind, account: str) -> Sequence[WebSession]:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM web_session WHERE kind = ? AND account = ? AND last_used > ? AND seal = ?"
            " ORDER BY last_used DESC, id DESC",
            (kind.value, account, self._clock.now() - LASTING[kind].seconds, self._seal(kind)),
        )
        return [_session(row) for row in rows]

    def _seal(self, kind: Kind) -> bytes:
        return hashlib.sha256(self.admin_seal()).digest() if kind is Kind.ADMIN else b""

    async def _used(self, session: WebSession) -> None:
        now = self._clock.now()
        try:
            await self._db.write(lambda db: _touch(db, session.id, now))
        except Temporary as error:  # a full disk must not keep the administrator out
            _LOG.error("cannot note that a session is used", error=error)


_COLUMNS = "id, kind, account, login_address, csrf, created, last_used, remote, user_agent"


def _session(row: Sequence[Any]) -> WebSession:
    number, kind_word, account, login_address, csrf, created, last_used, remote, user_agent = row
    kind = Kind(kind_word)
    return WebSession(
        id=number,
        kind=kind,
        account=account,
        login_address=login_address,
        csrf=csrf,
        created=created,
        last_used=last_used,
        expires=last_used + LASTING[kind].seconds,
        remote=remote,
        user_agent=user_agent,
    )


def _insert(db: sqlite3.Connection, new: WebSession, token_hash: bytes, seal: bytes) -> WebSession:
    """Add a session; expired ones, and those too many for its account, go."""
    for kind, lasting in LASTING.items():
        db.execute(
            "DELETE FROM web_session WHERE kind = ? AND last_used <= ?", (kind.value, new.created - lasting.seconds)
        )
    db.execute(
        "DELETE FROM web_session WHERE id IN (SELECT id FROM web_session WHERE kind = ? AND account = ?"
        " ORDER BY last_used DESC, id DESC LIMIT -1 OFFSET ?)",
        (new.kind.value, new.account, LASTING[new.kind].most - 1),
    )
    cursor = db.execute(
        "INSERT INTO web_session (token_hash, seal, kind, account, login_address, csrf, created, last_used, remote,"
        " user_agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            token_hash,
            seal,
            new.kind.value,
            new.account,
            new.login_address,
            new.csrf,
            new.created,
            new.last_used,
            new.remote,
            new.user_agent,
        ),
    )
    return replace(new, id=cursor.lastrowid or 0)


def _touch(db: sqlite3.Connection, session_id: int, now: float) -> None:
    db.execute("UPDATE web_session SET last_used = max(last_used, ?) WHERE id = ?", (now, session_id))


def _delete(db: sqlite3.Connection, session_id: int, account: str | None) -> None:
    if account is None:
        db.execute("DELETE FROM web_session WHERE id = ?", (session_id,))
    else:
        db.execute(
            "DELETE FROM web_session WHERE id = ? AND kind = ? AND account = ?",
            (session_id, Kind.ACCOUNT.value if account else Kind.ADMIN.value, account),
        )


def _delete_all(db: sqlite3.Connection, kind: Kind, account: str, but: int | None) -> None:
    db.execute("DELETE FROM web_session WHERE kind = ? AND account = ? AND id IS NOT ?", (kind.value, account, but))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
