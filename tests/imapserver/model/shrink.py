"""Find a short walk that fails, in the place of a long one."""

from __future__ import annotations

from collections.abc import Callable

from tests.imapserver.model.play import Step


def shrink(steps: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """A short list of steps that fails too: first its shortest beginning, then without what it does not need."""
    low, high = 0, len(steps)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(steps[:middle]) else (middle, high)
    steps = steps[:high]
    size = len(steps) // 2
    while size:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size :]
            if fewer and fails(fewer):
                steps = fewer
            else:
                place += size
        size //= 2
    return steps
