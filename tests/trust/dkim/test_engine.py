"""Each replacement gives what dkimpy's own code gives."""

from __future__ import annotations

import hashlib

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trust.dkim import engine
from app.trust.dkim.keys import make_rsa

BODIES = st.lists(st.sampled_from([b"\r\n", b" ", b"\t", b"\r", b"\n", b"a", b"  ", b"x y"]), max_size=30).map(b"".join)


@given(BODIES)
def test_relaxed_body_equals_dkimpys(body):
    assert engine.relaxed_body(body) == engine.ORIGINALS.relaxed_body(body)


@given(BODIES)
def test_simple_body_equals_dkimpys(body):
    assert engine.simple_body(body) == engine.ORIGINALS.simple_body(body)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n" * 1000, b"a" + b"\r\n" * 130, b"\n\r\n\r\n", b" \r\n"])
def test_edges_of_bodies(body):
    assert engine.relaxed_body(body) == engine.ORIGINALS.relaxed_body(body)
    assert engine.simple_body(body) == engine.ORIGINALS.simple_body(body)


def test_rsa_equals_dkimpys():
    numbers = dkim.crypto.parse_pem_private_key(make_rsa(1024))
    digest = hashlib.sha256(b"message")
    signature = engine.rsa_sign(digest, numbers)
    assert signature == bytes(engine.ORIGINALS.sign(digest, numbers))
    assert engine.rsa_verify(digest, signature, numbers)
    assert engine.ORIGINALS.verify(digest, signature, numbers)
    other = hashlib.sha256(b"massage")
    assert not engine.rsa_verify(other, signature, numbers)
    assert not engine.rsa_verify(digest, signature[:-1], numbers)
    assert not engine.rsa_verify(digest, signature, {"publicExponent": 2, "modulus": 15})


FIELDS = st.lists(st.tuples(st.sampled_from([b"From", b"from", b"To", b"X"]), st.binary(max_size=3)), max_size=12)


@given(FIELDS, st.lists(st.sampled_from([b"from", b"to", b"x", b"none"]), max_size=12))
def test_the_choice_of_fields_equals_dkimpys(fields, names):
    assert engine.select_headers(fields, names) == engine.ORIGINALS.select_headers(fields, names)


@pytest.mark.parametrize(
    "value",
    [
        b" v=1; b=AAAA; d=x",
        b" v=1; bh=BBBB; b=AAAA\r\n AAAA==",
        b" b=AAAA; bh=b=b; d=x",
        b" v=1;\r\n\tb=AA\r\n\tAA\r\n",
        b" v=1; b=; d=x",
        b"v=1;b=AA;",
    ],
)
def test_the_value_of_b_goes_as_with_dkimpy(value):
    assert engine.Unsigned.sub(b"", value).rstrip() == engine.ORIGINALS.unsigned.sub(b"\\1", value).rstrip()
