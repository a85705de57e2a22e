"""MTA-STS records and policies: RFC 8461's grammar, and what a hostile one may not do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import WireError
from app.trust.mtasts import MAX_AGE_S, Mode, parse_policy, parse_record, records_of

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmx: *.mail.example.org\r\nmax_age: 86400\r\n"


@pytest.mark.parametrize(
    "text", [b"v=STSv1; id=20260101T000000Z", b"v=STSv1;id=20260101T000000Z;", b"v=STSv1 ; x=y; id=20260101T000000Z"]
)
def test_id_of_a_record_is_read(text: bytes) -> None:
    assert parse_record(text) == "20260101T000000Z"


@pytest.mark.parametrize(
    "text",
    [
        b"v=STSv1;",
        b"v=STSv1; id=",
        b"v=STSv1; id=a-b",
        b"v=STSv1; id=" + b"a" * 33,
        b"v=STSv2; id=a",
        b"v=STSv1; junk",
        b"v=STSv1; id=\xe9",
    ],
)
def test_broken_record_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        parse_record(text)


def test_other_txt_records_are_left_out() -> None:
    assert records_of([b"v=spf1 -all", b"v=STSv1; id=1", b"v=STSv12; id=2"]) == [b"v=STSv1; id=1"]


def test_policy_is_read() -> None:
    policy = parse_policy(GOOD)
    assert (policy.mode, policy.max_age_s, policy.hosts) == (
        Mode.ENFORCE,
        86400,
        ("mx1.example.org", "*.mail.example.org"),
    )
    assert policy.lines[1:3] == ("mode: enforce", "mx: mx1.example.org")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mx1.example.org", True),
        ("MX1.Example.Org.", True),
        ("a.mail.example.org", True),
        ("a.b.mail.example.org", False),
        ("mail.example.org", False),
        ("mx2.example.org", False),
    ],
)
def test_wildcard_stands_for_one_label(host: str, allowed: bool) -> None:
    assert parse_policy(GOOD).allows(host) is allowed


def test_bare_lf_unknown_fields_and_repeated_fields_are_taken() -> None:
    policy = parse_policy(
        b"version: STSv1\nmode: testing\nfuture: yes\nmode: none\nmx:mx.example.org\nmax_age: 9999999999\n\n"
    )
    assert (policy.mode, policy.max_age_s) == (Mode.TESTING, MAX_AGE_S)


def test_mode_none_needs_no_host() -> None:
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 60").mode is Mode.NONE


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html></html>",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"enforce", b"strict"),
        GOOD.replace(b"86400", b"one day"),
        GOOD.replace(b"86400", b"86400000000"),
        GOOD.replace(b"mx1.example.org", b"not a host"),
        b"version: STSv1\nmode: enforce\nmax_age: 60\n",
        GOOD + b"mx: a.example.org\n" * 300,
        GOOD + b"\xff: 1\n",
        GOOD + b"x: y\n" * 20_000,
    ],
)
def test_broken_policy_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        parse_policy(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    for parse in (parse_policy, parse_record):
        with contextlib.suppress(WireError):
            parse(data)
