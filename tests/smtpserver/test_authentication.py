"""From a connection, an envelope and a message to what is known about it, asked of a DNS of our own."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import time
from typing import Any

import pytest

from app.smtpserver.arrival import arrival
from app.smtpserver.checks.authentication import Authentication
from app.smtpserver.evidence import Evidence, Origin, without_forwarder
from app.smtpserver.forgeries import without_forgeries
from app.smtpserver.verdict import Wish
from app.store.account.provenance import Kind, Sign
from app.store.spool import Body
from app.trust.dkim.keys import load_key, make_ed25519
from app.trust.dkim.sign import Selector, sign
from app.wire.domain import Domain
from app.wire.message.header import find_fields
from app.wire.smtp.address import NULL_PATH, parse_address
from tests.support.machines import DictionaryResolver

CLIENT = "192.0.2.10"
OURS = Domain("mx.example.com")
FROM = "From: Ann <ann@sender.example>\r\nTo: jane@example.com\r\nSubject: hello\r\n"
ZONE: dict[str, dict[str, Any]] = {
    "10.2.0.192.in-addr.arpa": {"PTR": ["out.sender.example"]},
    "out.sender.example": {"A": [CLIENT], "TXT": ["v=spf1 a -all"]},
    "sender.example": {"TXT": ["v=spf1 ip4:192.0.2.10 -all"], "MX": ["10 out.sender.example"]},
    "_dmarc.sender.example": {"TXT": ["v=DMARC1; p=reject"]},
    "other.example": {"TXT": ["v=spf1 ip4:192.0.2.10 -all"]},
}
ORIGIN = Origin(
    remote=ipaddress.ip_address(CLIENT),
    helo="out.sender.example",
    reverse_path=parse_address("ann@sender.example"),
    has_tls=True,
    hostname=OURS,
)


def check(message: str = FROM + "\r\nHello.\r\n", *, more: dict[str, Any] | None = None, **origin: Any) -> Evidence:
    resolver = DictionaryResolver(ZONE | (more or {}))
    checks = Authentication(resolver, sample=lambda: 0.0)
    return asyncio.run(checks(dataclasses.replace(ORIGIN, **origin), arrival(Body.of(message.encode()))))


def test_all_is_well():
    found = check()
    assert found.is_validated
    assert found.passes_dmarc
    assert (found.wish, found.spf_fails, found.has_reverse_name, found.is_unsure) == (Wish.NONE, False, True, False)
    assert str(found.author) == "ann@sender.example"
    assert found.verified_domains == {Domain("sender.example")}
    assert found.reverse_name == "out.sender.example"
    assert found.trace == (
        "Sending server: 192.0.2.10 (out.sender.example), with TLS.",
        "SPF: pass: sender.example lets 192.0.2.10 send for it.",
        "DKIM: not signed.",
        "DMARC: pass: SPF of sender.example proves that it is from sender.example.",
        "Author: ann@sender.example.",
    )
    assert [value.replace("\t", " ") for value in find_fields(found.fields, "Authentication-Results")] == [
        "mx.example.com; iprev=pass (without dnssec) policy.iprev=192.0.2.10; dkim=none; spf=pass (without dnssec)"
        " smtp.mailfrom=ann@sender.example; dmarc=pass (without dnssec, p=reject) header.from=sender.example"
    ]
    assert find_fields(found.fields, "Received-SPF")[0].startswith("pass (mx.example.com: sender.example lets")


def test_signs_are_what_messages_of_a_sender_share():
    assert check().signs() == (
        Sign(Kind.ADDRESS, "ann@sender.example"),
        Sign(Kind.DOMAIN, "sender.example"),
        Sign(Kind.ORG_DOMAIN, "sender.example"),
        Sign(Kind.MAIL_FROM, "ann@sender.example"),
        Sign(Kind.MAIL_FROM, "sender.example"),
        Sign(Kind.NETWORK1, "192.0.2.10/32"),
        Sign(Kind.NETWORK2, "192.0.2.0/26"),
        Sign(Kind.NETWORK3, "192.0.0.0/21"),
    )


def test_a_forwarder_leaves_only_the_signs_of_the_author():
    signs = (*check().signs(), Sign(Kind.SIGNER, "forward.example"), Sign(Kind.SIGNER, "sender.example"))
    kinds = [sign.kind for sign in without_forwarder(signs, Domain("forward.example"))]
    assert kinds == [Kind.ADDRESS, Kind.DOMAIN, Kind.ORG_DOMAIN, Kind.SIGNER]


@pytest.mark.parametrize(
    ("changes", "more", "validated", "wish", "spf_fails"),
    [
        # The envelope of another domain proves nothing about the author.
        ({"reverse_path": parse_address("x@other.example")}, {}, False, Wish.REJECT, False),
        ({"remote": ipaddress.ip_address("198.51.100.1")}, {}, False, Wish.REJECT, True),
        ({}, {"_dmarc.sender.example": {}}, True, Wish.NONE, False),
        ({"reverse_path": parse_address("x@other.example")}, {"_dmarc.sender.example": {}}, False, Wish.NONE, False),
        ({}, {"_dmarc.sender.example": {"RCODE": "SERVFAIL"}}, True, Wish.UNKNOWN, False),
        ({}, {"sender.example": {"RCODE": "SERVFAIL"}}, False, Wish.UNKNOWN, False),
        (
            {"remote": ipaddress.ip_address("198.51.100.1")},
            {"_dmarc.sender.example": {"TXT": ["v=DMARC1; p=quarantine"]}},
            False,
            Wish.QUARANTINE,
            True,
        ),
    ],
)
def test_what_the_domain_wants(changes, more, validated, wish, spf_fails):
    found = check(more=more, **changes)
    assert (found.is_validated, found.wish, found.spf_fails) == (validated, wish, spf_fails)


def test_a_signature_vouches_from_anywhere():
    key = load_key(make_ed25519())
    message = FROM.replace("Subject", "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nSubject") + "\r\nHello.\r\n"
    selector = Selector(domain=Domain("sender.example"), name="s1", key=key)
    signed = sign(message.encode(), [selector], identity=None, now=int(time.time())) + message.encode()
    record = {"s1._domainkey.sender.example": {"TXT": [key.record()]}}
    found = check(signed.decode(), more=record, remote=ipaddress.ip_address("198.51.100.1"), reverse_path=NULL_PATH)
    assert found.passes_dmarc
    assert found.signers == (Domain("sender.example"),)


def test_a_notification_is_proved_by_the_name_of_the_client():
    found = check(reverse_path=NULL_PATH)
    assert str(found.mail_from) == "postmaster@out.sender.example"
    assert found.is_validated  # of the same organisation


def test_a_client_without_a_name():
    found = check(remote=ipaddress.ip_address("198.51.100.1"))
    assert not found.has_reverse_name
    slow = {"1.100.51.198.in-addr.arpa": {"RCODE": "SERVFAIL"}}
    assert check(remote=ipaddress.ip_address("198.51.100.1"), more=slow).has_reverse_name


def test_a_public_suffix_is_nobodys_organisation():
    more = {"co.uk": {"TXT": ["v=spf1 +all"]}, "_dmarc.bank.co.uk": {}}
    found = check(
        FROM.replace("sender.example", "bank.co.uk") + "\r\n", more=more, reverse_path=parse_address("x@co.uk")
    )
    assert not found.is_validated


def test_look_alike_domains_are_shown_in_both_forms():
    found = check(FROM.replace("sender.example", "xn--snder-gra.example") + "\r\n")
    assert any("xn--snder-gra.example" in line and "ä" in line for line in found.trace)


@pytest.mark.parametrize("name", ["mx.example.com", "MX.Example.COM", '"mx.example.com"', "(x) mx.example.com"])
def test_results_in_our_name_are_taken_out(tmp_path, name):
    forged = f"Authentication-Results: {name}; dmarc=pass header.from=bank.example\r\n"
    other = "Authentication-Results: elsewhere.example; spf=pass\r\n"
    body = Body.of(f"{other}{forged}{FROM}\r\n{forged}".encode())
    stored = asyncio.run(without_forgeries(arrival(body), [OURS], tmp_path))
    assert bytes(stored.data).decode() == f"{other}{FROM}\r\n{forged}"


def test_large_messages_lose_them_too(tmp_path):
    forged = b"Authentication-Results: mx.example.com; dmarc=pass\r\n"
    rest = FROM.encode() + b"\r\n" + b"x" * 500_000
    stored = asyncio.run(without_forgeries(arrival(Body.of(forged + rest)), [OURS], tmp_path))
    assert bytes(stored.data[:]) == rest
    stored.discard()
