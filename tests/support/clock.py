"""Clocks that stand until a test sets them."""

from __future__ import annotations

from app.clock import Clock


class SetClock(Clock):
    """Wall time that a test sets; the monotonic clock runs."""

    def __init__(self, time: float = 1_800_000_000.0) -> None:
        self.time = time

    def now(self) -> float:
        """What was set."""
        return self.time


class StoppedClock(SetClock):
    """The monotonic clock is set as well."""

    def monotonic(self) -> float:
        """The same as the wall time."""
        return self.time
