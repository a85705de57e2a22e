"""ARC chains, made by a sealer that is written here from the RFC and shares no code with what verifies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.trust.arc import MAX_INSTANCES, ArcResult, check_arc
from app.trust.dkim.keys import SigningKey, load_key, make_ed25519
from app.wire.domain import Domain
from tests.support.growth import assert_linear
from tests.trust.records import Records

KEY: SigningKey = load_key(make_ed25519())
MESSAGE = b"From: a@example.org\r\nSubject: Hello  there\r\n\r\nBody \r\n"
SEEN = b"spf=pass smtp.mailfrom=a@example.org"
NAMES = ("list.example.com", "forward.example.net", "third.example")


# The public half of the key with which Mail::DKIM 1.20230212 for Perl made the sets of arc-two-sets.eml.
PERL_KEY = (
    b"v=DKIM1;h=sha256;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArxF90syH1vl7tVPAOe4PTVjks2NMghWPt2UtY"
    b"5m3xgaZcPdkFwl8jr7yazdppu4HZNCdf+FlivvNEnVdKUHS5vQBlJToHhlwzkhrfq34TW9GijKMWa6ZRrqenh58UDJxO5qSCjhw6"
    b"8jaA1yqlzKuyr7w/aUS71+XKRBQ82w2+vF5M0wcmJ4wMAPOaJ4OzzWijS27rLPbzEHVdGYF7WaYbEFAm1caY1q3O7u9Nzyv6v3wU"
    b"FNqy/AGiBYUyKyZF/qSKB6MNP2Co0ZVTxyKqVp7ABqrEMUnUalOiQEgfpdnVNfWgwRfok5egTLwn4c1h9Psq6OHWKg62CJfQfGRA"
    b"lWlIwIDAQAB"
)


def dns(*names: str) -> Records:
    return Records({f"s._domainkey.{name}": [KEY.record().encode()] for name in names or NAMES})


def relaxed(name: bytes, value: bytes) -> bytes:
    return name.lower() + b":" + b" ".join(value.split())


def signature(text: bytes) -> bytes:
    assert isinstance(KEY.private, Ed25519PrivateKey)
    return base64.b64encode(KEY.private.sign(hashlib.sha256(text).digest()))


def seal(message: bytes, number: int, domain: str, chain: str = "", seen: bytes = SEEN) -> bytes:
    """The message with one more set on top (RFC 8617 §5.1); `seen` is what the sealer found out."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    digest = base64.b64encode(hashlib.sha256(body.rstrip(b" \r\n") + b"\r\n").digest())
    tags = b"i=%d; a=ed25519-sha256; d=%s; s=s; " % (number, domain.encode())
    results = b" i=%d; %s; %s" % (number, domain.encode(), seen)
    ams = b" " + tags + b"c=relaxed/relaxed; h=from:subject; bh=" + digest + b"; b="
    named = {f.partition(b":")[0].lower(): f.partition(b":")[2] for f in reversed(fields)}
    signed = [relaxed(b"From", named[b"from"]), relaxed(b"Subject", named[b"subject"])]
    ams += signature(b"\r\n".join([*signed, relaxed(b"ARC-Message-Signature", ams)]))
    new = [(b"ARC-Authentication-Results", results), (b"ARC-Message-Signature", ams)]
    older = [f.partition(b":")[::2] for f in fields if f.lower().startswith(b"arc-")]
    sets = [one for at in range(len(older) - 3, -1, -3) for one in reversed(older[at : at + 3])]
    value = b" " + tags + b"cv=" + (chain or ("none" if number == 1 else "pass")).encode() + b"; b="
    value += signature(b"\r\n".join(relaxed(*one) for one in [*sets, *new, (b"ARC-Seal", value)]))
    top = [b"ARC-Seal:" + value, *(name + b":" + text for name, text in reversed(new))]
    return b"\r\n".join(top) + b"\r\n" + message


def chain(length: int) -> bytes:
    message = MESSAGE
    for number in range(1, length + 1):
        message = seal(message, number, NAMES[(number - 1) % len(NAMES)])
    return message


def check(message: bytes, resolver: Records | None = None, *trusted: str) -> ArcResult:
    return asyncio.run(check_arc(message, resolver or dns(), trusted=[Domain(name) for name in trusted]))


def test_no_chain():
    assert check(MESSAGE).status.value == "none"


@pytest.mark.parametrize("length", [1, 2, 3, MAX_INSTANCES])
def test_a_chain_that_holds(length):
    found = check(chain(length))
    assert (found.status.value, found.oldest_pass) == ("pass", 0), found.words
    assert len(found.sealers) == length
    assert found.believed is None


def test_what_the_first_of_the_trusted_sealers_saw_is_believed():
    found = check(chain(3), None, "third.example", "example.net")
    assert found.trusted == Domain("forward.example.net")
    assert found.believed is not None
    assert found.believed.server == "forward.example.net"
    assert found.believed.results[0].value("smtp", "mailfrom") == "a@example.org"
    assert check(chain(3), None, "forward.example.net").trusted is None


def test_a_change_on_the_way_leaves_the_chain_and_tells_since_when():
    changed = seal(chain(1).replace(b"Subject: Hello", b"Subject: [list] Hello"), 2, NAMES[1])
    found = check(changed)
    assert (found.status.value, found.oldest_pass) == ("pass", 2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"Hello  there", b"Hello Theo", "header is not"),
        (b"Body", b"Bod", "body is not"),
        (b"a@example.org\r\nARC", b"b@example.org\r\nARC", "seal of set"),
        (b"cv=pass", b"cv=fail", "broken already"),
        (b"cv=pass", b"cv=none", "does not say"),
        (b"cv=none", b"cv=pass", "does not say"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=3", "whole"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=1", "twice"),
        (b"ARC-Seal: i=2", b"X-ARC: i=2", "whole"),
        (b"ARC-Seal: i=2", b"ARC-Seal: h=from; i=2", "must not have"),
        (b"ARC-Seal: i=2", b"ARC-Seal: j=2; i=2", "seal of set 2"),
        (b"h=from:subject", b"h=arc-seal:from", "covers seals"),
        (b"s=s; cv=pass", b"s=t; cv=pass", "no key"),
    ],
)
def test_a_chain_that_does_not_hold(old, new, words):
    message = chain(2)
    assert old in message
    found = check(message.replace(old, new, 1))
    assert found.status.value == "fail"
    assert words in found.words


def test_a_key_that_cannot_be_looked_up():
    resolver = dns()
    resolver.texts["s._domainkey.list.example.com"] = None
    assert check(chain(2), resolver).status.value == "temperror"


def test_a_long_chain_is_not_followed():
    found = check(chain(MAX_INSTANCES + 1))
    assert (found.status.value, "longer than" in found.words) == ("fail", True)

    def check_long(count: int) -> None:
        fields = b"".join(b"ARC-Seal: i=%d; cv=pass\r\n" % n for n in range(count))
        assert check(fields + MESSAGE).status.value == "fail"

    assert_linear(check_long, 2500)


def test_a_chain_that_another_program_made():
    message = (Path(__file__).parents[1] / "data" / "messages" / "arc-two-sets.eml").read_bytes()
    resolver = Records({f"r._domainkey.{name}": [PERL_KEY] for name in ("list.example", "forward.example")})
    found = check(message, resolver, "list.example", "forward.example")
    assert (found.status.value, found.oldest_pass) == ("pass", 0), found.words
    assert found.believed is not None
    assert found.believed.server == "list.example"
    assert check(message.replace(b"spf=pass", b"spf=fail", 1), resolver).status.value == "fail"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_give_a_result(results, message, seal_value):
    fields = b"ARC-Seal: i=1;%s\r\nARC-Message-Signature: i=1;%s\r\nARC-Authentication-Results: i=1;%s\r\n"
    assert check(fields % (seal_value, message, results) + MESSAGE).status.value in ("none", "fail")
