"""Ways to look like somebody else: each is refused or neutralised, and what people are told says so.

The client is of evil.example, as SPF proves. It wants to be taken for boss@bank.example, whose domain asks to refuse.
"""

from __future__ import annotations

import asyncio
import dataclasses
import smtplib
from typing import Any

import pytest

from app.smtpserver.arrival import MAX_HEADER, arrival
from app.smtpserver.checks.authentication import Authentication
from app.smtpserver.evidence import Evidence
from app.smtpserver.verdict import Wish
from app.store.account.provenance import Kind
from app.store.spool import Body
from app.wire.domain import Domain
from app.wire.smtp.address import parse_address
from tests.smtpserver.judgedworld import JudgedWorld
from tests.smtpserver.test_authentication import CLIENT, ORIGIN, ZONE
from tests.smtpserver.test_incoming import send
from tests.support.machines import DictionaryResolver

BANK, EVIL = "boss@bank.example", "x@evil.example"
LOOKALIKE = "b\u0430nk.example"  # with a Cyrillic letter
RECORDS: dict[str, dict[str, Any]] = {
    "evil.example": {"TXT": [f"v=spf1 ip4:{CLIENT} -all"]},
    "_dmarc.evil.example": {"TXT": ["v=DMARC1; p=none"]},
    "bank.example": {"TXT": ["v=spf1 -all"]},
    "_dmarc.bank.example": {"TXT": ["v=DMARC1; p=reject"]},
}


def judged(header: bytes, sender: str = EVIL) -> Evidence:
    checks = Authentication(DictionaryResolver(ZONE | RECORDS), sample=lambda: 0.0)
    origin = dataclasses.replace(ORIGIN, reverse_path=parse_address(sender), helo="evil.example")
    return asyncio.run(checks(origin, arrival(Body.of(header + b"Subject: s\r\n\r\nHello.\r\n"))))


FROM_EVIL = b"From: x@evil.example\r\n"


@pytest.mark.parametrize(
    "header",
    [
        FROM_EVIL + b"From: boss@bank.example\r\n",
        b"FROM: boss@bank.example\r\n" + FROM_EVIL,
        b"From : boss@bank.example\r\n" + FROM_EVIL,
        b"From\t: boss@bank.example\r\n" + FROM_EVIL,
        FROM_EVIL + b"From\xa0: boss@bank.example\r\n",
        FROM_EVIL + b"From\x0b: boss@bank.example\r\n",
        FROM_EVIL + b"\x08From: boss@bank.example\r\n",
        FROM_EVIL + b"\xe2\x80\x8bFrom: boss@bank.example\r\n",
        FROM_EVIL + b"From\r\n : boss@bank.example\r\n",
        b"From:\r\n boss@bank.example\r\n \r\n" + FROM_EVIL,
    ],
)
def test_a_second_field_that_some_take_for_from_is_refused(header):
    assert arrival(Body.of(header + b"\r\n")).has_several_authors


@pytest.mark.parametrize(
    "header",
    [
        FROM_EVIL,
        FROM_EVIL + b"Subject: mail\r\n From: boss@bank.example\r\n",  # a folded line is text
        FROM_EVIL + b"Resent-From: boss@bank.example\r\n",
        FROM_EVIL + b"X-From: boss@bank.example\r\nFrom-Whom: him\r\n",
    ],
)
def test_one_from_field_is_not_taken_for_several(header):
    assert not arrival(Body.of(header + b"\r\n")).has_several_authors


@pytest.mark.parametrize(
    ("value", "wish"),
    [
        (f"{EVIL}, {BANK}", Wish.REJECT),
        (f"{BANK}, {EVIL}", Wish.REJECT),
        (f"<{BANK}><{EVIL}>", Wish.REJECT),
        (f"<{BANK}<{EVIL}>>", Wish.REJECT),
        (f"<@bank.example:{EVIL}>", Wish.REJECT),
        (f"{EVIL}; {BANK}", Wish.REJECT),
        (f"{BANK}:{EVIL};", Wish.REJECT),
        ("boss:;", Wish.NONE),
        (f"{BANK} <{EVIL}>", Wish.REJECT),
        (f"{BANK} (hi) <{EVIL}>", Wish.REJECT),
        (f'{EVIL} (") , <{BANK}> (")', Wish.REJECT),
        (f"{EVIL} ( , <{BANK}>", Wish.NONE),
        (f'"{EVIL}, {BANK}', Wish.REJECT),
        (f"{BANK} .evil.example", Wish.REJECT),
        (f"{BANK}\r <{EVIL}>", Wish.REJECT),
        (f"{BANK}\x00@evil.example", Wish.NONE),
        (f"{BANK}\x00.evil.example", Wish.NONE),
        (f"{BANK}\\@evil.example", Wish.REJECT),
        (f"{BANK}\u00a0<{EVIL}>", Wish.REJECT),
        (f"{EVIL}\u2028From: {BANK}", Wish.REJECT),
        ("=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?=@evil.example", Wish.NONE),
        ("=?utf-8?q?boss=40bank.example=00?=@evil.example", Wish.NONE),
        ("x@=?utf-8?q?bank.example?=", Wish.NONE),
        ("=?utf-8?q?a=0D=0AFrom:_boss=40bank.example?= <x@evil.example>", Wish.NONE),
        ("boss@bank..example", Wish.NONE),
        ("boss@[192.0.2.10]", Wish.NONE),
        ("boss@ban\u200dk.example", Wish.NONE),
        ("boss@bank\udcff.example", Wish.NONE),
        ("", Wish.NONE),
        ("a" * 70000 + f" <{EVIL}>, {BANK}", Wish.NONE),
        (f"{EVIL}, " * 5000 + BANK, Wish.REJECT),
    ],
)
def test_a_from_that_is_not_clear_is_never_validated_nor_known(value, wish):
    found = judged(b"From: " + value.encode("utf-8", "surrogateescape") + b"\r\n")
    assert (found.is_validated, found.passes_dmarc, found.author, found.wish) == (False, False, None, wish)
    assert not {Kind.ADDRESS, Kind.DOMAIN, Kind.ORG_DOMAIN} & {sign.kind for sign in found.signs()}
    assert any("DMARC: " in line and "From" in line for line in found.trace)


@pytest.mark.parametrize(
    "header",
    [
        f"From: {BANK}\r\nSender: {EVIL}\r\n",
        f"From: {BANK}(.evil.example)\r\n",
        f"From: {BANK}\r\nResent-From: {EVIL}\r\n",
        "From: boss@BANK.Example\r\n",
        "From: boss@bank.example.\r\n",
        "From: boss@bank\u3002example\r\n",
        "From: boss@\uff42ank.example\r\n",
        "From: boss@bank\u200b.example\r\n",
        "From: boss@ba\u00adnk.example\r\n",
        f"From: evil.example!{BANK}\r\n",
        "From:\r\n\t(hi)\r\n\tboss@bank.example\r\n",
    ],
)
def test_other_ways_to_write_a_domain_do_not_escape_its_policy(header):
    found = judged(header.encode())
    assert (found.is_validated, found.wish) == (False, Wish.REJECT)
    assert found.author is not None
    assert found.author.domain == Domain("bank.example")


@pytest.mark.parametrize(
    "value",
    [
        f'"{BANK}" <{EVIL}>',
        f"{EVIL} ({BANK})",
        "=?utf-8?q?boss=40bank.example_?= <x@evil.example>",
        "=?utf-8?q?boss_=3Cboss=40bank.example=3E=00?= <x@evil.example>",
        f"boss\uff20bank.example <{EVIL}>",
    ],
)
def test_a_name_that_looks_like_an_address_is_pointed_out(value):
    found = judged(f"From: {value}\r\n".encode())
    assert str(found.author) == EVIL
    assert "The name of the author looks like an address of bank.example, which it is not." in found.trace


def test_a_domain_that_looks_like_another_is_shown_in_both_forms():
    found = judged(f"From: boss@{LOOKALIKE}\r\n".encode())
    assert f"Author: boss@{LOOKALIKE} (in DNS xn--bnk-6cd.example)." in found.trace


@pytest.mark.parametrize("value", ["boss%bank.example@evil.example", "x@bank.example.evil.example", f"{EVIL}."])
def test_who_only_looks_like_the_bank_is_himself(value):
    found = judged(f"From: {value}\r\n".encode())
    assert found.author is not None
    assert found.author.domain.ascii.endswith("evil.example")


def test_a_from_behind_the_part_of_the_header_that_is_looked_at_is_refused(tmp_path):
    filler = b"".join(b"X: %s\r\n" % (b"a" * 900) for _ in range(MAX_HEADER // 900 + 1))
    world = JudgedWorld(tmp_path, max_size=2 * MAX_HEADER)
    try:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(world, ["jane@example.com"], FROM_EVIL + filler + b"From: boss@bank.example\r\n\r\nHello.\r\n")
        assert (caught.value.smtp_code, b"header" in caught.value.smtp_error) == (550, True)
    finally:
        world.close()


def test_bytes_that_are_no_text_are_nobodys_name():
    found = judged(b"From: \x95a@evil.example\r\n")
    assert found.author is None
    assert all(line.isprintable() for line in found.trace)
