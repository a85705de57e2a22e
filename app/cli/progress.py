"""How far long work is, on standard error: as the server tells it in lines of JSON, and not too often."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Final

from app.cli.listing import one_line
from app.ctl.protocol import Json

TELL_EVERY_S: Final = 5.0


class Lines:
    """Takes what a server sends ahead of its result, and gives each line as a value to `tell`."""

    def __init__(self, tell: Callable[[Json], None]) -> None:
        self._tell = tell
        self._pending = b""

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._tell(json.loads(line))


class Seldom:
    """Prints a line when the last was some time ago."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def say(self, text: str) -> None:
        """A line, or nothing."""
        if time.monotonic() - self._said > TELL_EVERY_S:
            self._said = time.monotonic()
            print(one_line(text), file=sys.stderr)
