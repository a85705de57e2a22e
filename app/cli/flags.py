"""Flags as Go's flag package reads them, so that what people and scripts type keeps working.

`-flag value`, `-flag=value`, `--flag` alike; the first word without a dash, or `--`, ends the flags; a flag that only
can be set is `-flag` or `-flag=false`, and never takes the next word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.cli.command import Flag, UsageError, Value

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Values by the names of flags, and what follows the flags."""

    flags: dict[str, str]
    rest: tuple[str, ...]


def parse_flags(words: Sequence[str], known: Sequence[Flag]) -> Parsed:
    """Raises UsageError."""
    flags: dict[str, str] = {}
    by_name = {flag.name: flag for flag in known}
    left = list(words)
    while left and left[0].startswith("-") and left[0] != "-":
        word = left.pop(0)
        if word == "--":
            break
        name, has_value, value = word.lstrip("-").partition("=")
        flag = by_name.get(name)
        if flag is None:
            raise UsageError(f"there is no flag -{name}")
        if not has_value:
            value = _next(flag, left)
        flags[name] = _checked(flag, value)
    return Parsed(flags, tuple(left))


def _next(flag: Flag, left: list[str]) -> str:
    if flag.value is Value.NOTHING:
        return "true"
    if not left:
        raise UsageError(f"flag -{flag.name} needs a value")
    return left.pop(0)


def _checked(flag: Flag, value: str) -> str:
    if flag.value in (Value.NOTHING, Value.TRUTH):
        if value in _TRUE:
            return "true"
        if value in _FALSE:
            return "false"
        raise UsageError(f"flag -{flag.name} is true or false, not {value!r}")
    if flag.value is Value.NUMBER and not (value.isascii() and value.isdigit()):
        raise UsageError(f"flag -{flag.name} needs a number, not {value!r}")
    return value
