"""SMTP replies, written and read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SmtpSyntaxError
from app.wire.smtp.reply import MAX_LINE, MAX_LINES, Reply, ReplyParser, reply


def test_enhanced_code_stands_on_every_line():
    assert reply(550, "5.1.1", "no such user\ntry another").encode() == (
        b"550-5.1.1 no such user\r\n550 5.1.1 try another\r\n"
    )


def test_reply_without_enhanced_code():
    assert Reply(250, "", ("mox", "SIZE 10", "8BITMIME")).encode() == b"250-mox\r\n250-SIZE 10\r\n250 8BITMIME\r\n"


def test_control_characters_cannot_forge_a_reply():
    assert reply(451, "4.0.0", "a\r250 ok\x00").encode() == b"451 4.0.0 a 250 ok \r\n"


def test_non_ascii_needs_smtputf8():
    assert reply(550, "", "ü").encode() == b"550 ?\r\n"
    assert reply(550, "", "ü").encode(utf8=True) == b"550 \xc3\xbc\r\n"


def test_long_text_is_wrapped_below_512_bytes():
    wire = reply(554, "5.0.0", "word " * 300 + "x" * 700).encode()
    assert all(len(line) <= 512 for line in wire.splitlines(keepends=True))
    assert len(wire.splitlines()) > 3


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"220 mx ESMTP\r\n", Reply(220, "", ("mx ESMTP",))),
        (b"250\r\n", Reply(250, "", ("",))),
        (b"250-a\n250 b\n", Reply(250, "", ("a", "b"))),
        (b"550-5.7.1 go\r\n550 5.7.1 away\r\n", Reply(550, "5.7.1", ("go", "away"))),
        (b"550 2.0.0 class differs\r\n", Reply(550, "", ("2.0.0 class differs",))),
        (b"450 4.7.1\r\n", Reply(450, "4.7.1", ("",))),
        (b"550 \xff\r\n", Reply(550, "", ("�",))),
    ],
)
def test_parse(wire, expected):
    assert ReplyParser().receive_data(wire) == [expected]
    parser = ReplyParser()
    assert [got for i in range(len(wire)) for got in parser.receive_data(wire[i : i + 1])] == [expected]
    assert parser.is_idle


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"25 x\r\n",
        b"650 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"2500\r\n",
        b"\r\n",
        b"x" * MAX_LINE,
        b"250-a\r\n" * (MAX_LINES + 1),
    ],
)
def test_bad_replies_are_refused(wire):
    with pytest.raises(SmtpSyntaxError):
        ReplyParser().receive_data(wire)


def test_pipelined_replies_come_in_order():
    replies = ReplyParser().receive_data(b"250 a\r\n550-b\r\n550 c\r\n354 d\r\n2")
    assert [got.code for got in replies] == [250, 550, 354]


@given(st.binary(max_size=200))
def test_any_bytes_give_replies_or_a_syntax_error(data):
    with contextlib.suppress(SmtpSyntaxError):
        assert all(200 <= got.code < 600 and got.lines for got in ReplyParser().receive_data(data))


@given(st.integers(200, 599), st.lists(st.text(st.characters(codec="ascii"), max_size=1200), min_size=1, max_size=5))
def test_what_is_written_can_be_read(code, lines):
    (got,) = ReplyParser().receive_data(Reply(code, "", tuple(lines)).encode())
    assert got.code == code
