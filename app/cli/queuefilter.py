"""The flags that say which messages of the queue a command is about, as arguments for the running server.

Everything given must hold. Times are as in `-submitted "<-1h"`: `<` for before and `>` for after, then how far from
now, or `now` itself.
"""

from __future__ import annotations

import re
import time

from app.cli.command import Flag, Invocation, UsageError, Value
from app.ctl.protocol import Json

FILTERS = (
    Flag("ids", "only these numbers, separated by commas", placeholder="1,2"),
    Flag("n", "at most so many", Value.NUMBER, "max"),
    Flag("account", "only of this account"),
    Flag("from", "only with this sender, a whole address or @domain", placeholder="address"),
    Flag("to", "only to this recipient, a whole address or @domain", placeholder="address"),
    Flag("submitted", "only submitted before (<) or after (>) a time, such as '<-1h'", placeholder="time"),
    Flag(
        "nextattempt", "only with the next attempt before (<) or after (>) a time, such as '>10m'", placeholder="time"
    ),
    Flag("hold", "only those on hold, or only the others", Value.TRUTH, "true|false"),
    Flag("transport", "only those with this transport; empty for those without one"),
)
ALL = Flag("all", "all messages, when no filter is given", Value.NOTHING)

MAX_DURATION_S = 10 * 365 * 86400.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:{_PART.pattern})+")


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go writes it, such as "-1h30m"; raises UsageError."""
    if text in ("0", "+0", "-0"):
        return 0.0
    if not _DURATION.fullmatch(text):
        raise UsageError(f"{text!r} is not a duration such as 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > MAX_DURATION_S:
        raise UsageError(f"{text!r} is longer than ten years")
    return -seconds if text.startswith("-") else seconds


def filter_arguments(invocation: Invocation) -> dict[str, Json]:
    """The arguments that stand for the flags; raises UsageError."""
    require_values(invocation, *(flag.name for flag in FILTERS if flag.name != "transport"))
    arguments: dict[str, Json] = {name: invocation.text(name) for name in ("account", "from", "to")}
    for name in ("from", "to"):
        if "@" not in invocation.text(name, "@"):
            raise UsageError(f"-{name} needs a whole address, or @ and a domain, as in @{invocation.text(name)}")
    if ids := invocation.text("ids"):
        arguments["ids"] = [_number(word) for word in ids.split(",")]
    if limit := invocation.text("n"):
        arguments["limit"] = _limit(limit)
    if hold := invocation.text("hold"):
        arguments["hold"] = hold == "true"
    if "transport" in invocation.flags:
        arguments["transport"] = invocation.text("transport")
    for flag, name in (("submitted", "queued"), ("nextattempt", "next")):
        if text := invocation.text(flag):
            side, when = parse_moment(text)
            arguments[f"{name}_{side}"] = when
    return arguments


def require_values(invocation: Invocation, *names: str) -> None:
    """Raises UsageError for a flag with nothing in it, such as an empty variable of a script: it would mean all."""
    for name in names:
        if invocation.text(name, "given").strip() == "":
            raise UsageError(f"-{name} is empty; say what it is to be, or leave it out")


def has_filter(invocation: Invocation) -> bool:
    """Whether any flag says which messages; how many is not which."""
    return any(flag.name in invocation.flags for flag in FILTERS if flag.name != "n")


def _limit(text: str) -> int:
    limit = int(text)
    if limit == 0:
        raise UsageError("-n is a number from 1 on; leave it out for no limit")
    return limit


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise UsageError(f"-ids needs numbers, not {word!r}")
    return int(word)


def parse_moment(text: str) -> tuple[str, float]:
    """Before or after, and what: seconds since 1970; raises UsageError."""
    side = {"<": "before", ">": "after"}.get(text[0])
    if side is None:
        raise UsageError(f"a time begins with < or >, unlike {text!r}")
    rest = text[1:].strip()
    return side, time.time() + (0.0 if rest == "now" else parse_duration(rest))
