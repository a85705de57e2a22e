"""Where the next delimiter of any open multipart is (RFC 2046 §5.1.1), in linear time.

A delimiter is a line that begins with `--` and the boundary of an open multipart; what else is on the line does not
matter, so of several boundaries that fit the longest wins, and of equal ones the innermost. Each open multipart
remembers where its next delimiter is, and the search for an inner one ends at the next delimiter of the outer ones:
every byte is looked at once for each level, whatever the message holds.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass

MAX_BOUNDARY = 200  # RFC 2046 allows 70; of what is longer only so much is compared


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a part ends: before a delimiter line of the open multipart `level`, or at the end of the data."""

    newline: int  # position of the newline before the delimiter; the length of the data at its end
    level: int  # -1 at the end of the data
    is_final: bool  # the delimiter has two dashes behind it


class Boundaries:
    """The boundaries of the multiparts that are open, outermost first."""

    __slots__ = ("_clear", "_data", "_needles", "_next", "_size")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._needles: list[bytes] = []
        self._next: list[int] = []  # position of each level's next delimiter as far as known
        self._clear: list[int] = []  # no delimiter of the level begins before this position and after `_next`

    def open(self, boundary: bytes) -> int:
        """Open a multipart; its level."""
        self._needles.append(b"\n--" + boundary[:MAX_BOUNDARY])
        self._next.append(-1)
        self._clear.append(0)
        return len(self._needles) - 1

    def close(self, level: int) -> None:
        """Close the multipart of that level and all within it."""
        del self._needles[level:], self._next[level:], self._clear[level:]

    def find(self, start: int) -> Stop:
        """The first delimiter whose line starts after the newline at `start` or later."""
        limit = best = self._size
        level = -1
        for index, needle in enumerate(self._needles):
            at = self._next[index]
            if at < start:
                at = self._search(index, start, limit)
            if at < best or (at == best < self._size and len(needle) >= len(self._needles[level])):
                best, level = at, index
            limit = min(limit, at)
        if level < 0:
            return Stop(best, -1, False)
        return Stop(best, level, self._is_final(best, self._needles[level]))

    def _search(self, index: int, start: int, limit: int) -> int:
        """Look for a level's delimiter that begins at `start` to `limit`; the size when there is none."""
        begin = max(start, self._clear[index])
        if begin > limit:
            return self._size
        needle = self._needles[index]
        # An inner delimiter may begin with the outer one that is the limit, so it may begin there too.
        at = self._data.find(needle, begin, min(limit + len(needle), self._size))
        self._next[index] = at
        self._clear[index] = limit + 1 if at < 0 else at
        return self._size if at < 0 else at

    def _is_final(self, at: int, needle: bytes) -> bool:
        after = at + len(needle)
        return self._data[after : after + 2] == b"--"
