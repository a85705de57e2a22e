"""Whose set-up this is: a one-time link, exchanged once for the session of one browser.

The link carries 128 random bits; only their SHA-256 is on disk, in a file for its owner. The exchange is one step under
a lock that other processes respect: of any number of parallel claims one wins. A link ends with its use, after five
wrong tries, or 60 minutes after it was made; `new_link` makes another one, and the claim of that ends the sessions of
the one before. A session ends 60 minutes after its last use. Answers never tell why a claim failed, and comparisons
take the same time whatever is compared.

Nothing is deleted on failure but the right to try, and nothing is locked for good: whoever can read the directory can
always make a new link.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app import ids
from app.clock import SYSTEM, Clock
from quickstart import privatefile

CLAIM_FILE, LOCK_FILE = "claim.json", "claim.lock"
TOKEN_BYTES = 16
MAX_TRIES = 5
LIFETIME_S = 3600.0
NOTE_USE_S = 60.0  # the last use is written at most this often
MAX_SESSIONS = 5
MAX_TOKEN = 200  # of what is hashed at all


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has claimed, or signed in."""

    digest: str
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    link: str = ""  # digest of the link's token; "" when there is none to claim
    made: float = 0.0
    tries: int = 0
    sessions: Sequence[Session] = ()


class Claims:
    """The link and the sessions of the set-up in a directory."""

    def __init__(self, directory: Path, clock: Clock = SYSTEM) -> None:
        self._path = directory / CLAIM_FILE
        self._lock = directory / LOCK_FILE
        self._clock = clock

    def new_link(self) -> str:
        """The token of a new link, which takes the place of the one before."""
        token = ids.token(TOKEN_BYTES)
        with privatefile.locked(self._lock):
            self._write(replace(self._read(), link=_digest(token), made=self._clock.now(), tries=0))
        return token

    def claim(self, token: str) -> str | None:
        """The token of a session, when this is the link's; the link is used up by it."""
        with privatefile.locked(self._lock):
            state = self._read()
            is_right = hmac.compare_digest(_digest(token), state.link or "-" * 64)
            is_open = bool(state.link) and self._clock.now() - state.made < LIFETIME_S
            if is_right and is_open:
                session = ids.token(TOKEN_BYTES)
                self._write(_State(sessions=(Session(_digest(session), self._clock.now()),)))
                return session
            if state.link:
                tries = state.tries + 1
                self._write(replace(state, tries=tries, link=state.link if tries < MAX_TRIES and is_open else ""))
            return None

    def sign_in(self) -> str:
        """The token of a further session; the caller has checked the administrator's password."""
        session = ids.token(TOKEN_BYTES)
        with privatefile.locked(self._lock):
            state = self._read()
            kept = (*self._living(state), Session(_digest(session), self._clock.now()))[-MAX_SESSIONS:]
            self._write(replace(state, sessions=kept))
        return session

    def is_session(self, token: str) -> bool:
        """Whether a browser with this cookie may go on; notes the use."""
        digest = _digest(token)
        known = [one for one in self._living(self._read()) if hmac.compare_digest(one.digest, digest)]
        if known and self._clock.now() - known[0].used >= NOTE_USE_S:
            self._note_use(digest)
        return bool(known)

    def end_session(self, token: str) -> None:
        """Sign a browser out."""
        digest = _digest(token)
        with privatefile.locked(self._lock):
            state = self._read()
            self._write(replace(state, sessions=tuple(one for one in state.sessions if one.digest != digest)))

    def _note_use(self, digest: str) -> None:
        now = self._clock.now()
        with privatefile.locked(self._lock):
            state = self._read()
            used = [replace(one, used=now) if one.digest == digest else one for one in self._living(state)]
            self._write(replace(state, sessions=tuple(used)))

    def _living(self, state: _State) -> list[Session]:
        return [one for one in state.sessions if self._clock.now() - one.used < LIFETIME_S]

    def _read(self) -> _State:
        try:
            values = json.loads(privatefile.read(self._path) or b"{}")
            sessions = tuple(Session(str(one["digest"]), float(one["used"])) for one in values.get("sessions", ()))
            return _State(
                link=str(values.get("link", "")),
                made=float(values.get("made", 0.0)),
                tries=int(values.get("tries", 0)),
                sessions=sessions,
            )
        except (ValueError, KeyError, TypeError, AttributeError):  # not our file any more: nobody is let in by it
            return _State()

    def _write(self, state: _State) -> None:
        sessions = [{"digest": one.digest, "used": one.used} for one in state.sessions]
        values = {"link": state.link, "made": state.made, "tries": state.tries, "sessions": sessions}
        privatefile.replace(self._path, json.dumps(values).encode())


def csrf_token(session: str) -> str:
    """What the forms of a session carry; it tells nothing about the session's own token."""
    return hmac.digest(session.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hex()


def _digest(token: str) -> str:
    return hashlib.sha256(token[:MAX_TOKEN].encode("utf-8", "surrogatepass")).hexdigest()
