"""Who asks for TLS reports, and where they go."""

from __future__ import annotations

import asyncio

import pytest

from app.trust.tlsrpt import BadRecord, lookup, parse_record
from app.wire.domain import Domain
from tests.support.machines import DictionaryResolver


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        ("v=TLSRPTv1;rua=mailto:reports@example.com", ["reports@example.com"]),
        ("v=TLSRPTv1; rua=https://r.example/v1, mailto:a@b.example ;", [None, "a@b.example"]),
        ("v=TLSRPTv1; x=1; rua=mailto:a%2Bb@c.example", ["a+b@c.example"]),
        ("v=TLSRPTv1; rua=ftp://x,mailto:a@b.example?subject=x", ["a@b.example"]),
    ],
)
def test_destinations(text, uris):
    assert [one.address and str(one.address) for one in parse_record(text.encode())] == uris


@pytest.mark.parametrize(
    "text",
    [
        *("", "v=TLSRPTv1", "v=TLSRPTv2; rua=mailto:a@b.example", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=mailto:nobody"),
        "v=TLSRPTv1; rua=mailto:a@b.example;" + "x" * 9000,
    ],
)
def test_what_asks_for_nothing(text):
    with pytest.raises(BadRecord):
        parse_record(text.encode())


def test_two_records_are_none():
    zone = {"_smtp._tls.a.example": {"TXT": ["other", *["v=TLSRPTv1; rua=mailto:a@b.example"] * 2]}}
    assert asyncio.run(lookup(DictionaryResolver(zone), Domain("a.example"))).uris == ()
    zone["_smtp._tls.a.example"]["TXT"].pop()
    assert len(asyncio.run(lookup(DictionaryResolver(zone), Domain("a.example"))).uris) == 1
