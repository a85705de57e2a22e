from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.dates import parse_date, parse_date_time, write_date_time
from app.wire.imap.tokens import ImapCursor


def test_a_date_with_and_without_quotes():
    assert parse_date(ImapCursor(b"1-feb-1994")) == parse_date(ImapCursor(b'"01-Feb-1994"')) == date(1994, 2, 1)


def test_a_moment_in_any_zone():
    assert parse_date_time(ImapCursor(b'"17-Jul-1996 02:44:25 -0700"')) == 837596665
    assert parse_date_time(ImapCursor(b'" 1-Jan-1970 01:00:60 +0100"')) == 59  # a leap second is the one before


@pytest.mark.parametrize("raw", [b"30-Feb-2020", b"1-Foo-2020", b"1-Jan-0000", b"1-Jan-20", b'"1-Jan-2020', b""])
def test_days_that_are_none(raw):
    with pytest.raises(ImapSyntaxError):
        parse_date(ImapCursor(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'"17-Jul-1996 24:44:25 -0700"',
        b'"17-Jul-1996 02:44:25 +9900"',
        b'" 1-Jan-0001 00:00:00 +1200"',
        b'"31-Dec-9999 23:00:00 -1200"',
        b"17-Jul-1996 02:44:25 -0700",
        b'"1-Jan-1996 02:44:25 -0700"',
    ],
)
def test_moments_that_are_none(raw):
    with pytest.raises(ImapSyntaxError):
        parse_date_time(ImapCursor(raw))


@given(st.integers(-62135596800, 253402300799))
def test_every_moment_reads_back(seconds):
    assert parse_date_time(ImapCursor(write_date_time(seconds))) == seconds


def test_the_written_form_has_a_fixed_width():
    assert write_date_time(0) == b'" 1-Jan-1970 00:00:00 +0000"'
