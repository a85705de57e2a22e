from __future__ import annotations

import pytest

from app.wire.imap.respond.envelope import MAX_STRING, envelope, write_string
from app.wire.message.addresses import MAX_ADDRESSES
from app.wire.message.part import parse_message
from tests.support.sexp import check_envelope, read_sexp


def read(header: bytes):
    data = header + b"\r\n\r\nbody"
    value = read_sexp(envelope(data, parse_message(data)))
    check_envelope(value)
    return value


def test_empty_header_gives_only_nil():
    assert envelope(b"\r\n", parse_message(b"\r\n")) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_fields_stand_in_their_order():
    value = read(
        b"Message-ID: <m@x>\r\nIn-Reply-To: <i@x>\r\nBcc: b@x\r\nCc: c@x\r\nTo: t@x\r\nReply-To: r@x\r\nSender: s@x\r\n"
        b"From: f@x\r\nSubject: subject\r\nDate: date"
    )
    lists = [[[None, None, name, b"x"]] for name in (b"f", b"s", b"r", b"t", b"c", b"b")]
    assert value == [b"date", b"subject", *lists, b"<i@x>", b"<m@x>"]


@pytest.mark.parametrize("odd", [b"", b"Sender:\r\nReply-To: \r\n"])
def test_missing_sender_and_reply_to_are_those_of_from(odd):
    value = read(odd + b"From: a@b")
    assert value[3] == value[4] == value[2] == [[None, None, b"a", b"b"]]


# The same as Dovecot 2.3.19 gives, but for the last block: there it invents words such as MISSING_DOMAIN.
ADDRESSES = [
    (b'"Joe \\"Q\\" P" <a@b>', [[b'Joe "Q" P', None, b"a", b"b"]]),
    (b"Joe Q. Public <a@b>", [[b"Joe Q. Public", None, b"a", b"b"]]),
    (b"a@b (Joe (nested) C)", [[b"Joe (nested) C", None, b"a", b"b"]]),
    (b"Joe (c) <a@b>", [[b"Joe", None, b"a", b"b"]]),
    (b"=?utf-8?q?J=C3=B6e?=\r\n =?utf-8?q?_X?= <a@b>", [[b"=?utf-8?q?J=C3=B6e?= =?utf-8?q?_X?=", None, b"a", b"b"]]),
    (b"J\xf6e <a@b>, \xc3\xbc@x.de", [[b"J\xf6e", None, b"a", b"b"], [None, None, b"\xc3\xbc", b"x.de"]]),
    (b'"a b"@c', [[None, None, b"a b", b"c"]]),
    (b"foo @ bar . com", [[None, None, b"foo", b"bar.com"]]),
    (b"a@[192.0.2.1]", [[None, None, b"a", b"[192.0.2.1]"]]),
    (b"undisclosed-recipients:;", [[None, None, b"undisclosed-recipients", None], [None] * 4]),
    (
        b"grp: a@b, X <c@d>;",
        [[None, None, b"grp", None], [None, None, b"a", b"b"], [b"X", None, b"c", b"d"], [None] * 4],
    ),
    (b"<@r1,@r2:a@b>, c@d", [[None, None, b"a", b"b"], [None, None, b"c", b"d"]]),
    (b"foo", [[None, None, b"foo", b""]]),
    (b"foo bar", [[b"foo bar", None, b"", b""]]),
    (b"Joe <a@b", [[b"Joe", None, b"a", b"b"]]),
    (b"Joe@x <a@b>", [[b"Joe@x", None, b"a", b"b"]]),
    (b"Joe Q a@b", [[b"Joe Q", None, b"a", b"b"]]),
    (b"a@b,, c@d,", [[None, None, b"a", b"b"], [None, None, b"c", b"d"]]),
    (b"", None),
]


@pytest.mark.parametrize(("value", "expected"), ADDRESSES)
def test_addresses_are_read_leniently(value, expected):
    assert read(b"To: " + value)[5] == expected


def test_addresses_of_repeated_fields_are_all_listed():
    assert read(b"From: a@b\r\nFrom: c@d")[2] == [[None, None, b"a", b"b"], [None, None, b"c", b"d"]]


def test_folded_subject_is_one_line():
    assert read(b"Subject: one\r\n\ttwo\r\n  three")[1] == b"one two three"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", b'"plain"'),
        ('a "b" \\', b'"a \\"b\\" \\\\"'),
        ("", b'""'),
        ("ü", b"{2}\r\n\xc3\xbc"),
        ("\udcfc", b"{1}\r\n\xfc"),
        ("a\r\nb\0", b'"a  b"'),
        ("a\x01", b"{2}\r\na\x01"),
        ("x" * 1001, b"{1001}\r\n" + b"x" * 1001),
    ],
)
def test_string_is_quoted_only_when_it_is_short_printable_ascii(value, written):
    assert write_string(value) == written


def test_envelope_of_an_enormous_header_is_bounded():
    data = b"Subject: " + b"s" * 10**6 + b"\r\n" + b"To: a@b,c:;,\r\n" * 10**5 + b"\r\n"
    value = read_sexp(envelope(data, parse_message(data)))
    assert len(value[1]) <= MAX_STRING
    assert len(envelope(b"To: " + b"a:;" * 30000 + b"\r\n\r\n", parse_message(b"\r\n"))) < MAX_ADDRESSES * 100
