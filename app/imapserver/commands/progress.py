"""Tell a client that waits how far its command is: untagged OK [INPROGRESS ...] (RFC 9585).

    matches = await watched(session, command.tag, session.account.read(...), progress)

A command that takes less than the interval says nothing. What cannot be counted, such as a transaction, is told without
numbers, so that the client and what is between knows that we are alive. Numbers of one command only grow.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Awaitable
from typing import TypeVar

from app.imapserver.session import Session
from app.store.account.progress import Progress
from app.wire.imap.response import inprogress

T = TypeVar("T")


async def watched(session: Session, tag: str, work: Awaitable[T], progress: Progress | None = None) -> T:
    """The result of `work`; meanwhile the client is told once in every interval that it is under way."""
    timer = _Timer(session, tag, progress)
    timer.start()
    try:
        return await work
    finally:
        timer.stop()


class _Timer:
    """Tells again and again until it is stopped; a client that does not read is spared."""

    __slots__ = ("_handle", "_progress", "_session", "_tag")

    def __init__(self, session: Session, tag: str, progress: Progress | None) -> None:
        self._session = session
        self._tag = tag
        self._progress = progress
        self._handle: TimerHandle | None = None

    def start(self) -> None:
        connection = self._session.connection
        self._handle = connection.loop.call_later(connection.service.progress_interval_s, self._tell)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _tell(self) -> None:
        if not self._session.connection.is_stalled:
            self._session.untagged_ok("still at it", inprogress(self._tag, *self._numbers()))
        self.start()

    def _numbers(self) -> tuple[int | None, int | None]:
        progress = self._progress
        return (None, None) if progress is None or progress.goal is None else (progress.done, progress.goal)


class Steps:
    """The same for a command that writes its answer in steps: `tell` between two of them."""

    __slots__ = ("_clock", "_interval", "_next", "_session", "_tag")

    def __init__(self, session: Session, tag: str) -> None:
        self._session = session
        self._tag = tag
        self._clock = session.account.clock
        self._interval = session.connection.service.progress_interval_s
        self._next = self._clock.monotonic() + self._interval

    def tell(self, done: int, goal: int) -> None:
        """Say so when it was not said for the interval and there is something left."""
        now = self._clock.monotonic()
        if done < goal and now >= self._next:
            self._next = now + self._interval
            self._session.untagged_ok("still at it", inprogress(self._tag, done, goal))
