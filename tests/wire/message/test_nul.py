from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.decode import decode_body
from app.wire.message.nul import NulError, without_nul
from app.wire.message.part import parse_message


def kept(data: bytes) -> bytes:
    found = b"".join(without_nul(data))
    assert b"\0" not in found
    return found


@given(st.binary(), st.sampled_from([b"", b"Content-Transfer-Encoding: Binary\r\n", b"X: y\n"]))
def test_a_body_with_nul_decodes_to_what_was_sent(body: bytes, fields: bytes) -> None:
    body += b"\0"
    found = kept(b"Subject: x\r\n" + fields + b"\r\n" + body)
    root = parse_message(found)
    assert root.encoding == "base64"
    assert decode_body(found, root) == body
    assert found.count(b"ontent-Transfer-Encoding:") == 1
    assert max(map(len, found.split(b"\r\n"))) <= 76


def test_only_the_part_with_nul_changes() -> None:
    plain = b"--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n"
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nbefore\r\n%b--b\r\n\r\n\0\1\r\n%b--b--\r\nafter\r\n"
    encoded = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAE=\r\n\r\n"
    assert kept(data % (plain, plain)) == data.replace(b"--b\r\n\r\n\0\1\r\n", encoded) % (plain, plain)


def test_a_part_of_a_message_in_the_message_is_found() -> None:
    found = kept(b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n\0")
    inner = parse_message(found).message
    assert inner is not None
    assert (inner.encoding, decode_body(found, inner)) == ("base64", b"\0")


def test_a_part_in_an_encoding_that_is_known_is_decoded_first() -> None:
    found = kept(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=41\0")
    assert decode_body(found, parse_message(found)) == b"A\0"


def test_without_header_section_all_is_body() -> None:
    found = kept(b"no field\r\n\r\n\0")
    assert decode_body(found, parse_message(found)) == b"no field\r\n\r\n\0"


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: a\0b\r\n\r\nx",
        b"Content-Transfer-Encoding: x-odd\r\n\r\n\0",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\nx\r\n--b--\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n\0",
    ],
)
def test_a_nul_that_cannot_be_kept_is_refused(data: bytes) -> None:
    with pytest.raises(NulError):
        without_nul(data)
