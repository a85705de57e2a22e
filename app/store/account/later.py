"""Work that an account does a while after the reply: one at a time, put off while it waits, forgotten when it closes.

Nothing is lost by that: what is due stands in the database, and the next opening of the account looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Later:
    """When to do `work` next; `again_s` is how long it waits when it is still at it."""

    __slots__ = ("_again_s", "_task", "_timer", "_work", "is_closed")

    def __init__(self, work: Callable[[], Awaitable[None]], again_s: float) -> None:
        self.is_closed = False
        self._work = work
        self._again_s = again_s
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def look_in(self, delay_s: float) -> None:
        """Do it then, unless it is to be done before; without an event loop (a command line tool) not at all."""
        if self._timer is not None or self.is_closed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(delay_s, self._start)

    def close(self) -> None:
        """Begin nothing any more."""
        self.is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work())
        else:
            self.look_in(self._again_s)
