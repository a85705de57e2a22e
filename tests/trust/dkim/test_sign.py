"""Signatures that dkimpy verifies, and what breaks them."""

from __future__ import annotations

import dataclasses
import re
import time

import dkim
import pytest

from app.trust.dkim.keys import SigningKey, load_key, make_ed25519, make_rsa
from app.trust.dkim.sign import CannotSign, Selector, sign
from app.wire.domain import Domain
from app.wire.smtp.address import Address, parse_address

KEYS = {"r": load_key(make_rsa()), "e": load_key(make_ed25519())}
DOMAIN = Domain("example.org")
FROM = parse_address("jane@example.org")
HEADER = (
    b"Received: by mx\r\n\tfor x\r\nFrom: Jane <jane@example.org>\r\nTo: Bob <bob@example.net>,\r\n  c@d.example\r\n"
    b"Subject: =?utf-8?q?h=C3=BC?=\r\nDate: Thu, 01 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
)
BODY = b"Hello  there \r\n\tagain\t\r\n\r\n\r\n"


def selector(name: str, **changes: object) -> Selector:
    return dataclasses.replace(Selector(name=name, domain=DOMAIN, key=KEYS[name]), **changes)  # type: ignore[arg-type]


def records(name: bytes, timeout: int = 5) -> bytes:
    key: SigningKey = KEYS[name.decode().split(".")[0]]
    return key.record().encode()


def verifies(message: bytes, index: int = 0) -> bool:
    return bool(dkim.DKIM(message).verify(index, dnsfunc=records))


def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("name", ["r", "e"])
@pytest.mark.parametrize("body", [BODY, b"", b"x", b"\r\n\r\n"])
@pytest.mark.parametrize("relaxed", [True, False])
def test_signature_verifies(name, body, relaxed):
    chosen = selector(name, relaxed_body=relaxed, relaxed_header=relaxed)
    message = HEADER + body
    assert verifies(sign(message, [chosen], identity=FROM, now=now()) + message)


def test_each_of_two_selectors_verifies():
    message = HEADER + BODY
    signed = sign(message, [selector("r"), selector("e")], identity=FROM, now=now()) + message
    assert verifies(signed, 0)
    assert verifies(signed, 1)


@pytest.mark.parametrize(
    ("old", "new"), [(b"again", b"agein"), (b"h=C3", b"h=C4"), (b"jane@", b"joan@"), (b"Date: Thu", b"Date: Fri")]
)
def test_a_change_breaks_it(old, new):
    message = HEADER + BODY
    signed = sign(message, [selector("e")], identity=FROM, now=now()) + message
    try:
        assert not verifies(signed.replace(old, new))
    except dkim.ValidationError as err:
        assert "body hash" in str(err)  # noqa: PT017


@pytest.mark.parametrize("extra", [b"Subject: second\r\n", b"Cc: sneaked@in.example\r\n"])
def test_an_added_field_breaks_the_seal(extra):
    message = HEADER + BODY
    assert not verifies(sign(message, [selector("e")], identity=FROM, now=now()) + extra + message)
    assert verifies(
        sign(message, [selector("e", seal=False, headers=("From",))], identity=FROM, now=now()) + extra + message
    )


def test_tags():
    field = sign(HEADER + BODY, [selector("r", expiration_s=3600)], identity=FROM, now=1700000000)
    tags = dict(re.findall(rb"([a-z]+)=([^;]*)", re.sub(rb"\s+", b"", field.partition(b":")[2])))
    assert tags[b"c"] == b"relaxed/relaxed"
    assert (tags[b"t"], tags[b"x"]) == (b"1700000000", b"1700003600")
    assert (tags[b"d"], tags[b"s"], tags[b"i"]) == (b"example.org", b"r", b"jane@example.org")
    assert tags[b"h"].split(b":")[:4] == [b"from", b"from", b"to", b"to"]
    assert all(len(line) < 80 for line in field.splitlines())


@pytest.mark.parametrize(
    ("localpart", "expected"),
    [
        ("a;b", rb'"a=3Bb"@example.org'),
        ("a b", rb'"a=20b"@example.org'),
        ("ü", rb"@example.org"),
        ("a=b", rb"a=3Db@example.org"),
    ],
)
def test_identity_is_quoted(localpart, expected):
    message = HEADER + BODY
    field = sign(message, [selector("e")], identity=Address(localpart, DOMAIN), now=now())
    assert b"i=" + expected + b";" in field
    assert verifies(field + message)


def test_identity_of_another_domain_is_left_out():
    field = sign(HEADER + BODY, [selector("e")], identity=parse_address("a@other.example"), now=now())
    assert b"i=@example.org;" in field


@pytest.mark.parametrize("message", [b" folded\r\n\r\nbody", b"no colon\r\n\r\nbody", b"bad name : x\r\n\r\n"])
def test_a_broken_header_cannot_be_signed(message):
    with pytest.raises(CannotSign):
        sign(message, [selector("e")], identity=FROM, now=now())


@pytest.mark.parametrize("name", ["r", "e"])
@pytest.mark.parametrize("relaxed", [True, False])
def test_a_name_longer_than_a_line_stays_whole(name, relaxed):
    domain = Domain(".".join(["a" * 60, "b" * 60, "c" * 60, "example.org"]))
    address = Address("jane", domain)
    message = HEADER + BODY
    signed = sign(message, [selector(name, domain=domain, relaxed_header=relaxed)], identity=address, now=now())
    assert f"d={domain.ascii};".encode() in signed
    assert f"i=jane@{domain.ascii};".encode() in signed
    assert verifies(signed + message)


@pytest.mark.parametrize("name", ["r", "e"])
def test_lines_of_a_signature_are_short_and_it_verifies_over_any_header(name):
    header = b"From: \xc3\xbc <jane@example.org>\r\n" + b"".join(b"Cc: c%d@x.example\r\n" % n for n in range(900))
    message = header + b"Subject: " + b"long " * 150 + b"\r\n\r\n\xff\xfe body\r\n."
    signed = sign(message, [selector(name)], identity=FROM, now=now())
    assert max(map(len, signed.split(b"\r\n"))) <= 80
    assert verifies(signed + message)
