"""Conversion to 7 bits: readers see the same, and what cannot be the same is refused with its reason."""

from __future__ import annotations

import contextlib
import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.decode import decode_body
from app.wire.message.part import Part, parse_message
from app.wire.message.sevenbit import Unconvertible, to_seven_bit


def leaves(data: bytes) -> list[bytes]:
    """The decoded bodies of all leaves."""
    found: list[bytes] = []

    def walk(part: Part) -> None:
        inner = [*part.children, *([part.message] if part.message else [])]
        for one in inner:
            walk(one)
        if not inner:
            found.append(decode_body(data, part))

    walk(parse_message(data))
    return found


def converted(data: bytes) -> bytes:
    found = to_seven_bit(data)
    assert found.isascii()
    assert max(map(len, found.split(b"\r\n"))) <= max(78, *map(len, data.split(b"\r\n")))
    return found


TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("Grüße aus Köln, und so weiter\r\n.\r\n\r\nmit Ende \r\n".encode(), b"quoted-printable"),
        ("Grüße ohne Zeilenende, aber lang genug".encode(), b"quoted-printable"),
        (("ä" + "x" * 5000 + "\r\n").encode(), b"quoted-printable"),
        ("Добрый день\r\n".encode(), b"base64"),
        ("Grüße mit halben Zeilenenden, und so weiter\n".encode(), b"base64"),
        (("ö" + "x" * 73 + "--boundary" + "y" * 100).encode(), b"quoted-printable"),
    ],
    ids=range(6),
)
def test_text_stays_the_same_to_its_reader(body, encoding):
    found = converted(b"Subject: x\r\nMIME-Version: 1.0\r\n" + TEXT + body)
    assert leaves(found) == [body]
    assert found.count(b"ransfer-Encoding: ") == 1
    assert b"Content-Transfer-Encoding: " + encoding + b"\r\n" in found
    assert email.message_from_bytes(found).get_payload(decode=True) == body  # and to somebody else's program


@given(st.text().map(str.encode), st.sampled_from([b"text/plain", b"application/x"]))
def test_any_body_comes_back(body, kind):
    data = b"MIME-Version: 1.0\r\nContent-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s" % (kind, body)
    assert leaves(converted(data)) == [body]


@given(st.binary(max_size=300))
def test_any_bytes_are_converted_or_refused(data):
    with contextlib.suppress(Unconvertible):
        assert to_seven_bit(data).isascii()


def test_only_parts_with_8_bit_data_change():
    plain = b"--b\r\nContent-Type: text/html\r\nX-Odd:   y\r\n\r\n<p>plain\r\n"
    data = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"vorher \xe4\r\n" + plain + b"--b\r\n" + TEXT + "für\r\n".encode() + plain + b"--b--\r\nnachher\r\n"
    )
    found = converted(data)
    assert found.count(plain) == 2
    assert leaves(found) == leaves(data)
    assert found.startswith(
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nvorher ?\r\n--b\r\n"
    )
    parsed = email.message_from_bytes(found, policy=email.policy.default)
    assert [part.get_content().strip() for part in parsed.iter_parts()] == ["<p>plain", "für", "<p>plain"]


def test_a_message_in_the_message_is_changed_in_its_own_parts():
    inner = b"Subject: inner\r\nMIME-Version: 1.0\r\n" + TEXT + "für\r\n".encode()
    data = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    found = converted(data)
    assert leaves(found) == ["für\r\n".encode()]
    outer, _, rest = found.partition(b"\r\n\r\n")
    assert b"Encoding" not in outer
    assert b"Content-Transfer-Encoding: " in rest


@pytest.mark.parametrize(("body", "charset"), [("für\r\n".encode(), b"utf-8"), (b"f\xfcr\r\n", b"unknown-8bit")])
def test_text_that_was_no_mime_says_what_it_is(body, charset):
    found = converted(b"Subject: x\r\n\r\n" + body)
    assert b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=" + charset + b"\r\n" in found
    assert leaves(found) == [body]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Subject: für\r\n\r\nx".encode(), "header field"),
        ("Subject: x\r\nContent-Type: message/rfc822\r\n\r\nSubject: für\r\n\r\nx".encode(), "header field"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n\r\n\xe4", "unknown encoding x-uuencode"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\xe4", "no parts"),
        (b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe4\r\n--b--\r\n", "multipart/signed"),
        (b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(60)) + b"A: b\r\n\r\n\xe4", "too deep"),
    ],
    ids=range(6),
)
def test_what_cannot_stay_the_same_is_refused_with_a_reason(data, words):
    with pytest.raises(Unconvertible, match=words):
        to_seven_bit(data)
