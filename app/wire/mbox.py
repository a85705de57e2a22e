"""The mbox format: many messages in one file, as mboxrd (RFC 4155 describes the family).

A message begins with a separator line, "From sender date", at the start of the file or after an empty line. A line of
a message that looks like one gets a ">" in front, also when it has some already, so that nothing is lost. Flags stand
in the header fields Status, X-Status and X-Keywords, in front of all others: there they were put by who wrote the
file, and are taken away again; anywhere else they are looked at, and stay. Keywords are separated by blanks.

Dates of separators have no zone and count as UTC; other forms that programs write are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.wire.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, FORWARDED, SEEN, FlagSet, imported_flagset

MAX_SEPARATOR: Final = 1000  # bytes
MAX_FRONT: Final = 64 * 1024  # bytes of a header that are looked at for flags

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Sun Nov 22 23:17:56 2026, with a zone before or behind the year, or with the day before the month.
_DATE = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:([A-Z][a-z]{2}) +(\d{1,2})|(\d{1,2}) +([A-Z][a-z]{2}) +(\d{4})),?"
    rb" +(\d{1,2}):(\d\d)(?::(\d\d))?(?: +([A-Za-z]{1,5}|[+-]\d{4}))?(?: +(\d{4})(?: +([+-]\d{4}))?)?\b"
)
_LOOKS_LIKE = re.compile(rb"^(?=>*From )", re.MULTILINE)
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_FRONT = re.compile(
    rb"(?:Status:([^\r\n]*)\r?\n)?(?:X-Status:([^\r\n]*)\r?\n)?(?:X-Keywords:([^\r\n]*)\r?\n)?", re.IGNORECASE
)
_OWN = re.compile(rb"(?:X-)?(?:Status|Keywords):", re.IGNORECASE)
_FIELD = re.compile(
    rb"^(Status|X-Status|X-Keywords|X-Mozilla-Status|X-Mozilla-Keys|X-Gmail-Labels):([^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER_END = re.compile(rb"\n\r?\n")

_LETTERS: Final = {"A": ANSWERED, "F": FLAGGED, "T": DRAFT, "D": DELETED}  # of X-Status
_MOZILLA: Final = {0x1: SEEN, 0x2: ANSWERED, 0x4: FLAGGED, 0x8: DELETED, 0x1000: FORWARDED}


@dataclass(frozen=True, slots=True)
class Separator:
    """What a separator line says; `time` is seconds since 1970, None when it has no date."""

    time: int | None


def parse_separator(line: bytes) -> Separator | None:
    """The separator on a line; None when it is none."""
    if not line.startswith(b"From ") or len(line) > MAX_SEPARATOR:
        return None
    found = _DATE.search(line)
    return Separator(_time(found) if found else None)


def _time(found: re.Match[bytes]) -> int | None:
    month_first, day_after, day_first, month_after, year_middle, hour, minute, second, zone, year, zone_after = (
        (group or b"").decode("ascii") for group in found.groups()
    )
    month = (month_first or month_after).lower()
    try:
        moment = datetime(
            int(year_middle or year),
            _MONTHS.index(month) + 1,
            int(day_after or day_first),
            int(hour),
            int(minute),
            min(int(second or 0), 59),
            tzinfo=UTC,
        )
        return int((moment - _offset(zone_after or zone)).timestamp())
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    if zone[:1] not in ("+", "-"):
        return timedelta()
    minutes = int(zone[1:3]) * 60 + int(zone[3:5])
    return timedelta(minutes=-minutes if zone[0] == "-" else minutes)


def write_separator(sender: str, time: int) -> bytes:
    """A separator line without its end; a date that cannot be written is 1970."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1].capitalize()
    date = f"{day} {month} {moment.day:2} {moment:%H:%M:%S} {moment.year:04}"
    return f"From {''.join(sender.split()) or 'mox'} {date}".encode()


def quote(lines: bytes) -> bytes:
    """Lines of a message as they stand in the file."""
    return _LOOKS_LIKE.sub(b">", lines) if b"From " in lines else lines


def unquote(lines: bytes) -> bytes:
    """Lines of the file as they stand in the message."""
    return _QUOTED.sub(b"", lines) if b">From " in lines else lines


def write_status(flags: FlagSet, names: str, text: bytes, end: bytes) -> bytes:
    """The fields that say the flags; `names` are the keywords, those with a bit too, and `end` ends a line.

    `text` is the start of the message: when it has such fields itself, those in front of it are complete.
    """
    letters = "".join(letter for letter, bit in _LETTERS.items() if flags.bits & bit)
    is_complete = _OWN.match(text) is not None
    fields = [b"Status: RO" if flags.bits & SEEN else b"Status: O"]
    if letters or is_complete:
        fields.append(b"X-Status: " + letters.encode())
    if names or is_complete:
        fields.append(b"X-Keywords: " + names.encode())
    return end.join(fields) + end


@dataclass(frozen=True, slots=True)
class Front:
    """The flags of a message, and how many bytes of it say them that are none of its own."""

    flags: FlagSet
    length: int


def read_status(start: bytes) -> Front:
    """What the start of a message says of its flags; looks at MAX_FRONT bytes."""
    found = _FRONT.match(start)
    if found is not None and found.end():
        status, letters, words = (_text(group) for group in found.groups())
        return Front(_flags(status, letters, words), found.end())
    end = _HEADER_END.search(start, 0, MAX_FRONT)
    fields: dict[str, str] = {}
    for field in _FIELD.finditer(start, 0, end.start() + 1 if end else MAX_FRONT):
        fields.setdefault(field[1].decode("ascii").lower(), _text(field[2]))
    if not fields:
        return Front(FlagSet(), 0)
    known = _flags(fields.get("status", ""), fields.get("x-status", ""), fields.get("x-keywords", ""))
    bits = known.bits | _mozilla(fields.get("x-mozilla-status", "")) | _gmail(fields.get("x-gmail-labels"))
    more = imported_flagset(fields.get("x-mozilla-keys", "").split())
    return Front(FlagSet(bits | more.bits, tuple(sorted({*known.keywords, *more.keywords}))), 0)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace").strip()


def _flags(status: str, letters: str, words: str) -> FlagSet:
    listed = words.split() if " " in words else words.split(",")
    named = imported_flagset(listed)
    bits = named.bits | (SEEN if "R" in status else 0) | (DELETED if "D" in status else 0)
    for letter in letters:
        bits |= _LETTERS.get(letter, 0)
    return FlagSet(bits, named.keywords)


def _mozilla(text: str) -> int:
    try:
        number = int(text[:8], 16)
    except ValueError:
        return 0
    return sum(bit for mask, bit in _MOZILLA.items() if number & mask)


def _gmail(labels: str | None) -> int:
    """Gmail says what is unread, all else is read."""
    if labels is None:
        return 0
    names = {name.strip() for name in labels.split(",")}
    return (0 if "Unread" in names else SEEN) | (FLAGGED if "Starred" in names else 0)
