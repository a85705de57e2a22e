"""What we and a server said to each other, for the operator who wants to know why a message waits.

One line for each command and each line of a reply, with the seconds since the start. Neither messages nor what is said
to sign in are in it: the callers leave them out. It is bounded, whatever a server says: long lines are cut, and of a
long dialogue the middle is left out, as it is the beginning and the end that tell.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable

MAX_BYTES = 16 * 1024  # of the text as a whole
HEAD_BYTES = 10 * 1024
TAIL_BYTES = 5 * 1024
MAX_LINE = 400

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Dialogue:
    """Collects lines; `text` makes them readable."""

    __slots__ = ("_clock", "_head", "_head_bytes", "_omitted", "_started", "_tail", "_tail_bytes")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._head: list[str] = []
        self._head_bytes = 0
        self._tail: deque[str] = deque()
        self._tail_bytes = 0
        self._omitted = 0

    def say(self, text: str) -> None:
        """A command of ours, or several."""
        for line in text.removesuffix("\r\n").split("\r\n"):
            self._add("C: " + line)

    def hear(self, text: str) -> None:
        """A line of a reply."""
        self._add("S: " + text)

    def note(self, text: str) -> None:
        """Something that happened and was not said."""
        self._add("*  " + text)

    def absorb(self, earlier: Dialogue) -> None:
        """What another has collected meanwhile comes here."""
        for line in (*earlier._head, *earlier._tail):
            self._put(line)

    def text(self) -> str:
        """All of it; "" when nothing was said."""
        gap = [f"        ... {self._omitted} lines left out ..."] if self._omitted else []
        return "".join(line + "\n" for line in (*self._head, *gap, *self._tail))

    def _add(self, text: str) -> None:
        if len(text) > MAX_LINE:
            text = text[:MAX_LINE] + " ..."
        self._put(f"{self._clock() - self._started:7.2f} {_UNSAFE.sub('?', text)}")

    def _put(self, line: str) -> None:
        size = (len(line) if line.isascii() else len(line.encode())) + 1
        if not self._tail and self._head_bytes + size <= HEAD_BYTES:
            self._head.append(line)
            self._head_bytes += size
            return
        self._tail.append(line)
        self._tail_bytes += size
        while self._tail_bytes > TAIL_BYTES:
            dropped = self._tail.popleft()
            self._tail_bytes -= (len(dropped) if dropped.isascii() else len(dropped.encode())) + 1
            self._omitted += 1
