from __future__ import annotations

import pytest
from hypothesis import given

from app.wire.imap.respond.bodystructure import bodystructure
from app.wire.imap.respond.envelope import envelope
from app.wire.message.part import parse_message
from tests.support.sexp import check_body, check_envelope, read_sexp
from tests.wire.message.strategies import messages


@given(messages)
def test_structure_of_any_bytes_is_valid_imap(data):
    part = parse_message(data)
    check_body(read_sexp(bodystructure(data, part, extended=True)), extended=True)
    check_body(read_sexp(bodystructure(data, part, extended=False)), extended=False)
    check_envelope(read_sexp(envelope(data, part)))


CASES = [
    (b"\r\nhello\r\n", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1 NIL NIL NIL NIL)'),
    (
        b'Content-Type: IMAGE/png; Name="a b"\r\nContent-Transfer-Encoding: BASE64 (c)\r\nContent-ID: <i>\r\n'
        b"Content-Description: d\r\nContent-MD5: m\r\nContent-Language: de, en\r\nContent-Location: l\r\n"
        b"Content-Disposition: Attachment; filename*0*=utf-8''%C3%BC; filename*1=x\r\n\r\nAAAA",
        b'("image" "png" ("name" "a b") "<i>" "d" "base64" 4 "m" ("attachment" ("filename*" "utf-8\'\'%C3%BCx"))'
        b' ("de" "en") "l")',
    ),
    (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Language: de\r\n\r\n--b--",
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed"'
        b' ("boundary" "b") NIL "de" NIL)',
    ),
    (
        b"Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\n\r\nx\r\n",
        b'("message" "rfc822" NIL NIL NIL "7bit" 16 (NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b"))'
        b' ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL'
        b" NIL NIL) 3 NIL NIL NIL NIL)",
    ),
    (
        b"Content-Type: text/x; name=\xfc\r\n\r\n",
        b'("text" "x" ("name" {1}\r\n\xfc "charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
    ),
    (
        b'Content-Disposition: "attachment"; filename=x\r\n\r\n',
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL ("attachment" ("filename" "x")) NIL NIL)',
    ),
]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_bodystructure_is_exactly_so(data, expected):
    assert bodystructure(data, parse_message(data), extended=True) == expected


def test_body_has_no_extension_data():
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: inline\r\n\r\nx\r\n--b--"
    expected = b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) "mixed")'
    assert bodystructure(data, parse_message(data), extended=False) == expected
