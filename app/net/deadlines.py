"""Coarse deadlines for many connections: one timer per event loop, not one per connection.

Moving a deadline forward, which happens with every command, only stores a number: an entry is looked at when its old
time comes and is then put where it belongs by now. A deadline fires up to `TICK_S` late and never early.
"""

from __future__ import annotations

import asyncio
import weakref

TICK_S = 1.0


class Expiring:
    """Something with a deadline, on the loop's clock; `expire` is called once when it has passed."""

    __slots__ = ("_bucket", "_deadline")

    _bucket: int  # the tick at which it is looked at; 0 when it is in no bucket
    _deadline: float  # 0.0 for none

    def expire(self) -> None:
        """Called on the event loop; the deadline is cleared by then."""
        raise NotImplementedError


class Deadlines:
    """All deadlines of one event loop, in buckets by tick."""

    __slots__ = ("__weakref__", "_buckets", "_loop", "_next", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, set[Expiring]] = {}
        self._next = 0  # the last tick that was looked at
        self._timer: asyncio.TimerHandle | None = None

    def set(self, item: Expiring, seconds: float) -> None:
        """Let `item` expire `seconds` from now, instead of when it would have."""
        deadline = item._deadline = self._loop.time() + seconds
        bucket = item._bucket
        if not bucket or deadline < bucket * TICK_S - TICK_S:
            self._place(item)

    def remove(self, item: Expiring) -> None:
        """Forget `item`."""
        item._deadline = 0.0
        self._leave(item)

    def _leave(self, item: Expiring) -> None:
        bucket = self._buckets.get(item._bucket)
        item._bucket = 0
        if bucket is not None:
            bucket.discard(item)

    def _place(self, item: Expiring) -> None:
        self._leave(item)
        if self._timer is None:
            self._next = int(self._loop.time() / TICK_S)
            self._timer = self._loop.call_later(TICK_S, self._tick)
        tick = max(int(item._deadline / TICK_S) + 1, self._next + 1)
        item._bucket = tick
        self._buckets.setdefault(tick, set()).add(item)

    def _tick(self) -> None:
        now = self._loop.time()
        reached = int(now / TICK_S)
        for tick in range(self._next + 1, reached + 1):
            for item in self._buckets.pop(tick, ()):
                item._bucket = 0
                self._look_at(item, now)
        self._next = reached
        self._timer = self._loop.call_later(TICK_S, self._tick) if self._buckets else None

    def _look_at(self, item: Expiring, now: float) -> None:
        if not item._deadline:
            return
        if item._deadline > now:
            self._place(item)
            return
        item._deadline = 0.0
        item.expire()


_OF_LOOPS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Deadlines] = weakref.WeakKeyDictionary()


def deadlines_of(loop: asyncio.AbstractEventLoop) -> Deadlines:
    """The deadlines of `loop`, made at the first call."""
    found = _OF_LOOPS.get(loop)
    if found is None:
        found = _OF_LOOPS[loop] = Deadlines(loop)
    return found
