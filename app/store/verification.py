"""Checks typed passwords against argon2id hashes, off the event loop and no more than two at a time.

A hash takes 64 MiB and a fifth of a second, and mail programs open several connections at once, so: equal questions
that are asked at the same time are answered by one hash, and answers are remembered, keyed by an HMAC of user,
password and stored hash under a key of this process. A success counts for `SUCCESS_S`. A failure is remembered for
longer: the same wrong password again (a phone with an old one) tells a guesser nothing, costs no hash and need not be
counted. A changed password changes the stored hash and so drops both.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum

from app.clock import SYSTEM, Clock
from app.errors import Temporary
from app.store.account.credentials import verify_password

WORKERS = 2
MAX_PENDING = 64
SUCCESS_S = 300.0
FAILURE_S = 24 * 3600.0
MAX_REMEMBERED = 10_000


class Verdict(Enum):
    """What is known of a password without hashing."""

    RIGHT = "right"
    WRONG = "wrong"


class Verifier:
    """One for the process."""

    def __init__(self, clock: Clock = SYSTEM, verify: Callable[[str, str], bool] = verify_password) -> None:
        self._clock = clock
        self._verify = verify
        self._key = os.urandom(32)
        self._pool: ThreadPoolExecutor | None = None
        self._remembered: dict[bytes, tuple[Verdict, float]] = {}
        self._pending: dict[bytes, asyncio.Task[bool]] = {}

    def close(self) -> None:
        """Let go of the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def recall(self, user: str, password: str, encoded: str) -> Verdict | None:
        """What is remembered about this password."""
        key = self._digest(user, password, encoded)
        verdict, until = self._remembered.get(key, (None, 0.0))
        return verdict if self._clock.monotonic() < until else None

    async def check(self, user: str, password: str, encoded: str) -> bool:
        """Whether the password is that of the hash; raises Temporary when too many wait."""
        key = self._digest(user, password, encoded)
        task = self._pending.get(key)
        if task is None:
            if len(self._pending) >= MAX_PENDING:
                raise Temporary("too many sign-ins at once")
            task = self._pending[key] = asyncio.get_running_loop().create_task(self._run(key, password, encoded))
        return await asyncio.shield(task)

    def forget(self, user: str, password: str, encoded: str) -> None:
        """Remember nothing about this password: nobody was told the answer."""
        self._remembered.pop(self._digest(user, password, encoded), None)

    async def _run(self, key: bytes, password: str, encoded: str) -> bool:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(WORKERS, "argon2")
        try:
            is_right = await asyncio.get_running_loop().run_in_executor(self._pool, self._verify, encoded, password)
            self._remember(key, Verdict.RIGHT if is_right else Verdict.WRONG)
            return is_right
        finally:
            del self._pending[key]

    def _remember(self, key: bytes, verdict: Verdict) -> None:
        seconds = SUCCESS_S if verdict is Verdict.RIGHT else FAILURE_S
        self._remembered.pop(key, None)
        self._remembered[key] = (verdict, self._clock.monotonic() + seconds)
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _digest(self, *texts: str) -> bytes:
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)
