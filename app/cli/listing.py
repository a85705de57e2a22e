"""Rows that the running server gave, as lines for people: one line for each, whatever strangers wrote into them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from app.ctl.protocol import ControlError, Json


def print_rows(rows: Json, line: Callable[[Mapping[str, Json]], str], *, when_empty: str) -> int:
    """Print a line for each row, or `when_empty`; the exit code. Raises ControlError for what is no list."""
    if not isinstance(rows, list):
        raise ControlError("the server's answer cannot be understood")
    for row in rows:
        if isinstance(row, dict):
            print(one_line(line(row)))
    if not rows:
        print(when_empty)
    return 0


def one_line(text: str) -> str:
    """The text without what could break a line or play with the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def when(seconds: Json) -> str:
    """A time in UTC; "-" for none."""
    if not isinstance(seconds, int | float) or not seconds:
        return "-"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "never"
