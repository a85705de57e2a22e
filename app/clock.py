"""The only place that reads time, so that tests can set it."""

from __future__ import annotations

import datetime
import time as _time


class Clock:
    """Reads the machine's clocks; a test passes its own object with the same two methods."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return _time.time()

    def monotonic(self) -> float:
        """Seconds on a clock that never steps back."""
        return _time.monotonic()


SYSTEM = Clock()


def utc(seconds: float) -> datetime.datetime:
    """`seconds` since 1970 as an aware UTC time."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
