"""Dates of header fields (RFC 5322 §3.3, §4.3) to aware times and back.

Reading takes what is seen in the wild: missing weekday or seconds, two-digit years, zone names, comments, dots or
dashes in the place of blanks. What cannot be read is None, never an exception. An unknown zone counts as UTC (§4.3 says
"-0000"). Writing gives exactly the form of §3.3.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from app.wire.message.header import strip_comments

MAX_DATE = 256  # characters that are looked at

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TIME = r"(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?"
_ZONE = r"(?:\s*([+-]\s*\d{1,2}:?\d{2}|[A-Za-z]{1,5}(?:[+-]\d{4})?))?"
_DATE = re.compile(
    r"\s*(?:[A-Za-z]+\.?\s*,?\s+|[A-Za-z]+,\s*)?(\d{1,2})[\s.-]+([A-Za-z]{3,9})\.?,?[\s.-]+(\d{2,4})(?:,|\s)\s*"
    + _TIME
    + _ZONE,
    re.ASCII,
)
# asctime, as some programs write it: Sun Nov 22 23:17:56 [UTC] 2026
_ASCTIME = re.compile(
    r"\s*[A-Za-z]+,?\s+([A-Za-z]{3,9})\s+(\d{1,2}),?\s+" + _TIME + r"\s+(?:([A-Za-z]{2,5})\s+)?(\d{4})", re.ASCII
)
_OFFSET = re.compile(r"([+-])\s*(\d{1,2}):?(\d{2})")

# RFC 5322 §4.3, and the names that mail still carries; ambiguous ones (BST, CST) as most senders mean them.
_ZONES = {
    "EDT": -240,
    "EST": -300,
    "CDT": -300,
    "CST": -360,
    "MDT": -360,
    "MST": -420,
    "PDT": -420,
    "PST": -480,
    "AKDT": -480,
    "AKST": -540,
    "HST": -600,
    "BST": 60,
    "WEST": 60,
    "CET": 60,
    "MET": 60,
    "MEZ": 60,
    "CEST": 120,
    "MEST": 120,
    "MESZ": 120,
    "EET": 120,
    "EEST": 180,
    "MSK": 180,
    "JST": 540,
    "KST": 540,
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
}


def parse_date(value: str) -> datetime | None:
    """The time that a Date field means, or None."""
    text = strip_comments(value[:MAX_DATE])
    if match := _DATE.match(text):
        day, month, year, hour, minute, second, half, zone = match.groups()
    elif match := _ASCTIME.match(text):
        month, day, hour, minute, second, half, zone, year = match.groups()
    else:
        return None
    if month[:3].lower() not in _MONTHS:
        return None
    return _build(
        (_year(year), _MONTHS.index(month[:3].lower()) + 1, int(day)),
        (_hour(int(hour), half), int(minute), min(int(second or 0), 59)),  # 60 is a leap second
        _zone(zone),
    )


def _build(date: tuple[int, int, int], time: tuple[int, int, int], zone: timezone) -> datetime | None:
    try:
        when = datetime(*date, *time, tzinfo=zone)
        when.timestamp()
        when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 2:
        return year + (2000 if year < 50 else 1900)  # RFC 5322 §4.3
    return year + 1900 if len(text) == 3 else year


def _hour(hour: int, half: str | None) -> int:
    if half is None or hour > 12:
        return hour
    return hour % 12 + (12 if half in "pP" else 0)


def _zone(text: str | None) -> timezone:
    if not text:
        return UTC
    if match := _OFFSET.search(text):
        minutes = int(match[2]) * 60 + int(match[3])
        # Offsets are at most 14 hours; larger ones are garbage, and Python refuses 24 hours.
        return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes)) if minutes < 1440 else UTC
    return timezone(timedelta(minutes=_ZONES.get(text.upper(), 0)))


def write_date(when: datetime) -> str:
    """An aware time as `Sun, 22 Nov 2026 23:17:56 +0000`."""
    offset = when.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    month = _MONTHS[when.month - 1].capitalize()
    return (
        f"{_WEEKDAYS[when.weekday()]}, {when.day} {month} {when.year:04} {when:%H:%M:%S}"
        f" {sign}{minutes // 60:02}{minutes % 60:02}"
    )
