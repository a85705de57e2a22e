"""What of a DMARC record counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trust.dmarc.record import (
    DAY_S,
    Alignment,
    BadRecord,
    DmarcPolicy,
    Psd,
    is_dmarc,
    parse_record,
)

NONE, QUARANTINE, REJECT = DmarcPolicy


def test_all_tags():
    found = parse_record(
        b"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=S; pct=42; t=y; psd=n; fo=1:d:x; ri=3600; rf=afrf;"
        b" rua=mailto:a%2Bb@example.org!10m , https://example.org/dmarc; ruf=mailto:f@example.org"
    )
    assert (found.policy, found.subdomain_policy, found.nonexistent_policy) == (REJECT, QUARANTINE, NONE)
    assert (found.dkim_alignment, found.spf_alignment) == (Alignment.STRICT, Alignment.STRICT)
    assert (found.percentage, found.is_testing, found.psd, found.interval_s) == (42, True, Psd.NO, 3600)
    assert found.failure_options == ("1", "d")
    assert [(str(one.address), one.max_bytes) for one in found.aggregate] == [
        ("a+b@example.org", 10 << 20),
        ("None", 0),
    ]


def test_defaults():
    found = parse_record(b"v=DMARC1;p=reject")
    assert (found.subdomain_policy, found.nonexistent_policy, found.percentage) == (REJECT, REJECT, 100)
    assert (found.dkim_alignment, found.interval_s, found.failure_options) == (Alignment.RELAXED, DAY_S, ("0",))
    assert parse_record(b"v=DMARC1;p=reject;sp=none").nonexistent_policy is NONE


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (b"v=DMARC1", True),
        (b"v = DMARC1 ; p=none", True),
        (b"v=DMARC1;", True),
        (b" v=DMARC1; p=none", False),
        (b"v=dmarc1; p=none", False),
        (b"v=DMARC1 p=none", False),
        (b"v=DMARC10; p=none", False),
        (b"p=none; v=DMARC1", False),
        (b"v=spf1 -all", False),
    ],
)
def test_what_means_to_be_a_record(text, means):
    assert is_dmarc(text) is means


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (b"v=DMARC1; P=Reject", REJECT),
        (b"v=DMARC1; rua=mailto:x@example.org", NONE),
        (b"v=DMARC1; p=all; rua=mailto:x@example.org", NONE),
        (b"v=DMARC1; p=reject; sp=all; rua=mailto:x@example.org", NONE),
        (b"v=DMARC1; p=reject; np=; rua=mailto:x@example.org", NONE),
        (b"v=DMARC1; p=reject; p=none", REJECT),
        (b"v=DMARC1; adkim=x; pct=500; ri=-1; junk; =; p=reject;;", REJECT),
    ],
)
def test_faults_that_a_record_survives(text, policy):
    found = parse_record(text)
    assert found.policy is policy
    assert (found.percentage, found.dkim_alignment, found.interval_s) == (100, Alignment.RELAXED, DAY_S)


@pytest.mark.parametrize(
    "text",
    [
        b"v=DMARC1",
        b"v=DMARC1; p=all",
        b"v=DMARC1; p=reject; sp=all",
        b"v=DMARC1; p=reject; np=all",
        b"v=DMARC1; p=all; rua=nowhere",
        b"v=DMARC1; p=all; rua=mailto:nobody",
        b"v=DMARC1; p=reject; " + b"x" * 9000,
    ],
)
def test_faults_that_it_does_not(text):
    with pytest.raises(BadRecord):
        parse_record(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_refused(raw):
    with contextlib.suppress(BadRecord):
        assert 0 <= parse_record(b"v=DMARC1;" + raw).percentage <= 100
