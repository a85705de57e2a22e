from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.dates import parse_date, write_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Sun, 22 Nov 2026 23:17:56 +0000", "2026-11-22T23:17:56+00:00"),
        ("22 Nov 2026 23:17 -0130", "2026-11-22T23:17:00-01:30"),
        ("Sun,22 Nov 2026 23:17:56 GMT", "2026-11-22T23:17:56+00:00"),
        ("Sun, 22 Nov 26 23:17:56 EST", "2026-11-22T23:17:56-05:00"),
        ("Sun, 22 Nov 99 1:2:3 +0200 (CEST)", "1999-11-22T01:02:03+02:00"),
        ("Sun, 2 November 2026 23:17:56 -0000", "2026-11-02T23:17:56+00:00"),
        ("Sun, (x) 22 Nov 126 23:17:56 nowhere", "2026-11-22T23:17:56+00:00"),
        ("22-Nov-2026 11:17:56 PM +01:00", "2026-11-22T23:17:56+01:00"),
        ("Sun Nov 22 23:17:56 2026", "2026-11-22T23:17:56+00:00"),
        ("Sun Nov 22 23:17:56 CET 2026", "2026-11-22T23:17:56+01:00"),
        ("Thu, 31 Dec 2026 23:59:60 +0000", "2026-12-31T23:59:59+00:00"),
        ("Sun, 22 Nov 2026 23:17:56", "2026-11-22T23:17:56+00:00"),
    ],
)
def test_dates_seen_in_mail_are_read(value, expected):
    found = parse_date(value)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    "value",
    ["", "today", "22 Foo 2026 1:2:3", "32 Jan 2026 1:2:3", "1 Jan 2026 25:00", "1 Jan 0000 1:2 +0000", "1" * 999],
)
def test_what_is_no_date_is_none(value):
    assert parse_date(value) is None


@given(st.text(max_size=80))
def test_any_text_is_a_date_or_none(value):
    found = parse_date(value)
    assert found is None or found.tzinfo is not None


def test_date_is_written_as_the_rfc_has_it():
    zone = timezone(-timedelta(hours=3, minutes=30))
    assert write_date(datetime(2026, 11, 2, 3, 4, 5, tzinfo=zone)) == "Mon, 2 Nov 2026 03:04:05 -0330"


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(9999, 12, 30)))
def test_written_date_is_read_back(when):
    when = when.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(write_date(when)) == when
