"""Signatures of others and of our own, and every way in which they do not count."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.trust.dkim.keys import load_key, make_ed25519, make_rsa
from app.trust.dkim.result import SignatureResult, Status
from app.trust.dkim.sign import Selector, sign
from app.trust.dkim.verify import LATE_S, MAX_SIGNATURES, verify
from app.wire.domain import Domain
from app.wire.smtp.address import parse_address
from tests.support.growth import assert_linear
from tests.trust.records import Records

NOW = 1_800_000_000
BODY = "Hi.\n\nWe lost the game. Are you hungry yet?\n\nJoe.\n"
FIELDS = """\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
"""
RFC6376 = (
    """\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
"""
    + FIELDS
    + "\n"
    + BODY
)
RFC6376_KEY = (
    b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
    b"KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    b"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
    b"/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    b"tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
RFC8463 = (
    """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
"""
    + FIELDS
    + "\n"
    + BODY.replace("game. Are", "game.  Are")
)
RFC8463_KEYS = {
    "brisbane": b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test": b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
    b"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    b"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
    b"Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
}

KEYS = {"r": load_key(make_rsa()), "e": load_key(make_ed25519())}
ORG = Domain("example.org")
HEADER = b"From: Jane <jane@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: hello\r\nDate: today\r\n\r\n"
MESSAGE = HEADER + b"Hello  there \r\n\r\n\r\n"


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def records(**texts: bytes | None) -> Records:
    return Records({f"{name}._domainkey.example.org": None if text is None else [text] for name, text in texts.items()})


def key(name: str) -> bytes:
    return KEYS[name].record().encode()


def signed(name: str = "e", **changes: object) -> bytes:
    selector = Selector(name=name, domain=ORG, key=KEYS[name])
    selector = dataclasses.replace(selector, **changes)  # type: ignore[arg-type]
    return sign(MESSAGE, [selector], identity=parse_address("jane@example.org"), now=NOW) + MESSAGE


def check(message: bytes, resolver: Records, now: int = NOW, authors: tuple[Domain, ...] = ()) -> list[SignatureResult]:
    return list(asyncio.run(verify(message, resolver, now=now, authors=authors)))


def outcome(message: bytes, now: int = NOW, **texts: bytes | None) -> tuple[str, str]:
    found = check(message, records(**(texts or {"e": key("e"), "r": key("r")})), now)
    return found[0].status.value, found[0].reason


def test_rfc6376_appendix_a():
    message = crlf(RFC6376)  # as errata 3192 and 4926 correct its blanks
    found = check(message, Records({"brisbane._domainkey.example.com": [RFC6376_KEY]}))
    assert [(one.status, one.reason) for one in found] == [(Status.PASS, "")]
    assert found[0].domain == Domain("example.com")
    assert found[0].identity == "joe@football.example.com"
    assert found[0].signature == "AuUoFEfD"


def test_rfc8463_appendix_a():
    texts: dict[str, list[bytes] | None] = {
        f"{name}._domainkey.football.example.com": [text] for name, text in RFC8463_KEYS.items()
    }
    found = check(crlf(RFC8463), Records(texts, authentic=True))
    assert [one.status for one in found] == [Status.PASS, Status.PASS]
    assert [(one.key_bits, one.algorithm) for one in found] == [(256, "ed25519-sha256"), (1024, "rsa-sha256")]
    assert all(one.is_authentic for one in found)


@pytest.mark.parametrize("name", ["r", "e"])
@pytest.mark.parametrize("relaxed", [True, False])
def test_our_own_signature_passes(name, relaxed):
    assert outcome(signed(name, relaxed_header=relaxed, relaxed_body=relaxed)) == ("pass", "")


@pytest.mark.parametrize(
    ("old", "new", "status", "words"),
    [
        (b"Hello  there", b"Hello Theo", "fail", "body"),
        (b"Subject: hello", b"Subject: hallo", "fail", "header"),
        (b"jane@example.org>", b"joan@example.org>", "fail", "header"),
        (b"To: Bob", b"From: x@y.example\r\nTo: Bob", "fail", "header"),
        (b"To: Bob", b"Subject: x\r\nTo: Bob", "fail", "header"),
        (b"v=1;", b"v=2;", "permerror", "version"),
        (b"v=1;", b"", "permerror", "no v="),
        (b"v=1;", b"v=1; v=1;", "neutral", "twice"),
        (b"v=1;", b"v=1; ;", "neutral", "name=value"),
        (b"v=1;", b"v=1; q=http;", "permerror", "q="),
        (b"v=1;", b"v=1; z=" + b"x" * 20_000 + b";", "neutral", "longer"),
        (b"v=1;", b"v=1; \x00=1;", "neutral", "control"),
        (b"v=1;", b"v=1; zz=\xff;", "neutral", "UTF-8"),
        (b"v=1;", b"v=1; l=3;", "policy", "only 3 of"),
        (b"v=1;", b"v=1; l=999;", "fail", "shorter"),
        (b"v=1;", b"v=1; l=-1;", "permerror", "l="),
        (b"v=1;", b"v=1; l=" + b"9" * 77 + b";", "permerror", "l="),
        (b"a=ed25519-sha256", b"a=rsa-sha1", "permerror", "SHA-1"),
        (b"a=ed25519-sha256", b"a=rsa-sha256", "permerror", "ed25519"),
        (b"a=ed25519-sha256", b"a=rot13", "permerror", "unknown"),
        (b"c=relaxed/relaxed", b"c=relaxed/other", "permerror", "canonicalisation"),
        (b"c=relaxed/relaxed", b"c=simple/relaxed", "fail", "header"),
        (b"d=example.org", b"d=example.com", "permerror", "i="),
        (b"d=example.org", b"d=.", "permerror", "d="),
        (b"s=e;", b"s=none;", "permerror", "no key"),
        (b"i=jane", b"i=june", "fail", "header"),
        (b"h=from: from", b"h=frim: frim", "permerror", "From"),
        (b"h=from", b"h=" + b"x:" * 501 + b"from", "permerror", "500"),
        (b"bh=", b"bh=!", "permerror", "base64"),
    ],
)  # fmt: skip
def test_a_change_of_a_good_message(old, new, status, words):
    message = signed()
    assert old in message
    changed = message.replace(old, new, 1)
    found = outcome(changed)
    assert found[0] == status
    assert words in found[1]


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (None, "temperror", "now"),
        (b"", "permerror", "no p="),
        (b"v=DKIM1; k=ed25519; p=", "permerror", "revoked"),
        (b"v=DKIM2; p=x", "permerror", "v=DKIM1"),
        (b"p=AAAA; v=DKIM1", "permerror", "v=DKIM1"),
        (b"v=DKIM1; k=dsa; p=AAAA", "permerror", "kind"),
        (b"v=DKIM1; k=ed25519; p=AAAA", "permerror", "32 bytes"),
        (b"v=DKIM1; p=AAAA", "permerror", "cannot be read"),
        (b"v=DKIM1; p=AAAA; p=AAAA", "permerror", "twice"),
        (b"v=DKIM1; p=%%", "permerror", "base64"),
        (b"x" * 20_000, "permerror", "longer"),
        (key("r"), "permerror", "is for rsa"),
        (KEYS["e"].record().replace("h=sha256", "h=sha1").encode(), "permerror", "may not be used"),
        (KEYS["e"].record().replace("h=sha256", "s=chat").encode(), "permerror", "not for mail"),
        (KEYS["e"].record().replace("h=sha256", "s=email:x; t=s").encode(), "pass", ""),
        (load_key(make_ed25519()).record().encode(), "fail", "key is another"),
        (load_key(make_ed25519()).record().replace("h=", "t=y;h=").encode(), "neutral", "t=y"),
    ],
    ids=itertools.count(1),  # a key in the name of a test would be another in each process
)
def test_keys_that_do_not_fit(text, status, words):
    found = outcome(signed(), e=text)
    assert found[0] == status
    assert words in found[1]


def test_a_weak_key_does_not_count():
    modulus = (1 << 1022) + 0x10001
    numbers = b"\x02\x81\x80" + modulus.to_bytes(128, "big") + b"\x02\x03\x01\x00\x01"
    weak = b"v=DKIM1; p=" + base64.b64encode(b"\x30\x81" + bytes([len(numbers)]) + numbers)
    status, reason = outcome(signed("r"), r=weak)
    assert (status, "1024" in reason) == ("permerror", True)


def test_strict_key_and_an_identity_below_its_domain():
    text = KEYS["e"].record().replace("h=sha256", "t=s").encode()
    message = signed().replace(b"i=jane@example.org", b"i=jane@sub.example.org")
    assert outcome(message, e=text)[0] == "permerror"
    assert "below its own" in outcome(message, e=text)[1]


def test_the_simple_form_keeps_the_name_of_the_signature_as_written():
    message = signed(relaxed_header=False)
    assert outcome(message.replace(b"DKIM-Signature:", b"DKIM-signature:", 1))[0] == "fail"
    assert outcome(signed().replace(b"DKIM-Signature:", b"dkim-signature :", 1))[0] == "pass"


def test_times():
    message = signed(expiration_s=100)
    assert outcome(message, NOW + 100 + LATE_S)[0] == "pass"
    assert outcome(message, NOW + 101 + LATE_S) == ("fail", "the signature has expired")
    assert outcome(message, NOW - 2 * 24 * 3600)[0] == "policy"


def test_a_subject_that_is_not_signed_does_not_count():
    assert outcome(signed(headers=("From", "To")))[0] == "policy"


def test_length_over_all_of_the_body_counts():
    from app.trust.dkim import engine

    task = engine.DKIM(MESSAGE)
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    raw = KEYS["e"].private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    field = task.sign(b"e", b"example.org", base64.b64encode(raw), signature_algorithm=b"ed25519-sha256", length=True)
    assert b"l=" in field
    now = int(time.time())
    assert outcome(field + MESSAGE, now) == ("pass", "")
    assert outcome(field + MESSAGE + b"Buy this\r\n", now)[0] == "policy"


def test_of_many_signatures_those_of_the_author_are_looked_at():
    good = signed()
    field = good[: good.index(b"From: Jane")]
    other = re.sub(rb"d=example.org|@example.org", lambda m: m[0].replace(b".org", b".net"), field)
    found = check(other * 50 + good, records(e=key("e")), authors=(ORG,))
    assert len(found) == MAX_SIGNATURES
    assert [one.status for one in found if one.domain == ORG] == [Status.PASS]


def test_a_key_is_asked_for_once():
    good = signed()
    resolver = records(e=key("e"))
    assert len(check(good[: good.index(b"From: Jane")] + good, resolver)) == 2
    assert len(resolver.asked) == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_any_bytes_give_a_result(value, record):
    message = b"DKIM-Signature:" + value + b"\r\n" + MESSAGE
    check(message, records(e=record))
    assert outcome(signed(), e=record)[0] in ("permerror", "temperror")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_message_give_a_result(message):
    assert all(one.status is not Status.PASS for one in check(message, Records()))


TAGS = st.sampled_from([b"v=1", b"a=rsa-sha256", b"b=AAAA", b"bh=AAAA", b"d=example.org", b"s=e", b"h=from:subject",
                        b"x=1", b"t=9", b"l=0", b"c=relaxed", b"i=@example.org", b" ", b"v"])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(TAGS, max_size=14))
def test_any_tags_give_a_result(tags):
    found = check(b"DKIM-Signature: " + b";".join(tags) + b"\r\n" + MESSAGE, records(e=key("r")))
    assert all(one.status is not Status.PASS and one.reason for one in found)


@pytest.mark.parametrize(
    "hostile",
    [
        lambda size: b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=r; bh=AAAA; b=AAAA;\r\n "
        b"h=" + b":".join([b"subject", b"from"] * (size // 80)) + b"\r\n",
        lambda size: b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=r; bh=AA==; h=from:subject; b"
        + b"\r\n " * (size // 4) + b"=AAAA\r\n",
        lambda size: b"Subject: x\r\n" * size,
        lambda size: b"X:" + b"\r\n " * size * 5 + b"\r\n",
    ],
)  # fmt: skip
def test_a_hostile_message_costs_no_more_than_its_length(hostile):
    good = signed("r")
    field = good[: good.index(b"From: Jane")]

    def check_long(size: int) -> None:
        check(hostile(size) * 3 + field * 5 + MESSAGE + b" \t\r\n" * size * 10, records(r=key("r")))

    assert_linear(check_long, 2500)
