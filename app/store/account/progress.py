"""How far a long read has come: counted where it runs, in a thread of the store, and looked at from the event loop.

Both are whole numbers that are set in one step, so no lock is needed. `done` only grows, and stays below `goal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Progress:
    """So many of so many; `goal` is None as long as it is not known."""

    __slots__ = ("done", "goal")

    def __init__(self) -> None:
        self.done = 0
        self.goal: int | None = None

    def count(self, rows: Sequence[T]) -> Iterator[T]:
        """The rows, of which those taken before the last one are done."""
        self.goal = len(rows) or None
        for self.done, row in enumerate(rows):
            yield row
