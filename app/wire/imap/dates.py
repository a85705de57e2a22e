"""Dates of IMAP: `date` in SEARCH, `date-time` in APPEND and FETCH (RFC 9051 §9).

    date      = date-day "-" date-month "-" date-year, quoted or not
    date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE

An internaldate is kept as seconds since 1970; it is written in UTC. The text of a day is made once for all messages of
that day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from app.wire.imap.tokens import ImapCursor

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER_OF: Final = {month.lower().encode(): place for place, month in enumerate(_MONTHS, 1)}
_EPOCH: Final = date(1970, 1, 1)
_DAY_S: Final = 86400

_DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-5][0-9])"'
)


def parse_date(cursor: ImapCursor) -> date:
    """A day."""
    start = cursor.pos
    if found := cursor.match(_DATE):
        try:
            return date(int(found[4]), _NUMBER_OF[found[3].lower()], int(found[2]))
        except (KeyError, ValueError):
            cursor.pos = start
    cursor.fail("a date such as 1-Feb-2030")


def parse_date_time(cursor: ImapCursor) -> int:
    """A moment, as seconds since 1970."""
    start = cursor.pos
    if found := cursor.match(_DATE_TIME):
        try:
            return _moment(found)
        except (KeyError, ValueError, OverflowError):
            cursor.pos = start
    cursor.fail('a date and time such as " 1-Feb-2030 10:00:00 +0100"')


def _moment(found: re.Match[bytes]) -> int:
    zone = timedelta(hours=int(found[8]), minutes=int(found[9]))
    moment = datetime(
        int(found[3]),
        _NUMBER_OF[found[2].lower()],
        int(found[1]),
        int(found[4]),
        int(found[5]),
        min(int(found[6]), 59),  # a leap second; the clock we count with has none
        tzinfo=timezone(zone if found[7] == b"+" else -zone),
    )
    in_utc = moment.astimezone(UTC)  # raises where the year would become 0 or 10000, which could not be written
    return int((in_utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


@lru_cache(4096)
def _write_day(day: int) -> bytes:
    moment = _EPOCH + timedelta(days=day)
    return f'"{moment.day:2}-{_MONTHS[moment.month - 1]}-{moment.year:04}'.encode()


def write_date_time(seconds: int) -> bytes:
    """A moment as a quoted date-time in UTC; it lies in the years 1 to 9999."""
    day, rest = divmod(seconds, _DAY_S)
    minutes, second = divmod(rest, 60)
    return b'%b %02d:%02d:%02d +0000"' % (_write_day(day), minutes // 60, minutes % 60, second)
