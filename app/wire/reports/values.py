"""Single values of reports: text, numbers, times, names and addresses as senders write them, or BadReport.

Blanks around a value never count, and an empty value is one that is not there.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Final

from app.errors import WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import IPAddress

MAX_TEXT: Final = 300  # characters
MAX_COUNT: Final = 10**12
MAX_TIME: Final = 253_402_300_799  # the last second of the year 9999

_INTEGER = re.compile(r"\+?(\d{1,15})(?:\.0*)?\Z", re.ASCII)


class BadReport(WireError):
    """A report that cannot be used; the message says why, for people."""


def text(value: str | None) -> str:
    """What a stranger wrote, short and printable."""
    short = (value or "").strip()[:MAX_TEXT]
    return short if short.isprintable() else "".join(char if char.isprintable() else "?" for char in short)


def count(value: str | None, what: str) -> int:
    """A number of messages or connections."""
    found = _INTEGER.match((value or "").strip())
    if found is None or int(found[1]) > MAX_COUNT:
        raise BadReport(f"{what} is not a number: {text(value)[:40]!r}")
    return int(found[1])


def percentage(value: str | None) -> int | None:
    """0 to 100, with or without the sign; None for anything else."""
    found = _INTEGER.match((value or "").strip().removesuffix("%").strip())
    return int(found[1]) if found is not None and int(found[1]) <= 100 else None


def moment(value: str | None, what: str) -> int:
    """Seconds since 1970, written so or as a date of RFC 3339."""
    written = (value or "").strip()
    if found := _INTEGER.match(written):
        seconds = int(found[1])
    else:
        try:
            when = datetime.fromisoformat(written[:40])
            seconds = int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise BadReport(f"{what} is not a time: {text(value)[:40]!r}") from None
    if not 0 < seconds <= MAX_TIME:
        raise BadReport(f"{what} is no time that can be: {text(value)[:40]!r}")
    return seconds


def domain(value: str | None, what: str) -> Domain:
    """A domain name, with or without the final dot."""
    try:
        return parse_domain((value or "").strip()[:500].removesuffix("."))
    except WireError:
        raise BadReport(f"{what} is not a domain name: {text(value)[:100]!r}") from None


def address(value: str | None) -> IPAddress | None:
    """An IP address; None where none is told, or it is something else."""
    try:
        found = ipaddress.ip_address((value or "").strip()[:60].strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
