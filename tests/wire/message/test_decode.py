from __future__ import annotations

import pytest
from hypothesis import given

from app.wire.message.charset import decode_charset
from app.wire.message.decode import decode_body, decode_text, search_text
from app.wire.message.html import html_to_text
from app.wire.message.part import parse_message
from app.wire.message.preview import MAX_PREVIEW, preview
from tests.wire.message.strategies import messages


def message(body: bytes, kind: bytes = b"text/plain", encoding: bytes = b"8bit") -> bytes:
    return b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


@given(messages)
def test_any_message_has_a_preview_and_a_text_to_search(data):
    root = parse_message(data)
    line = preview(data, root)
    assert len(line) <= MAX_PREVIEW
    assert "\n" not in line
    assert all(isinstance(text, str) for text in search_text(data, root, with_header=True))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(b"w7w=\r\n", b"text/plain; charset=utf-8", b"base64"), "ü"),
        (message(b"=C3=BC=\r\nx", b"text/plain; charset=utf-8", b"Quoted-Printable"), "üx"),
        (message(b"\xfc\x80", b"text/plain; charset=ISO-8859-1"), "ü€"),
        (message(b"\xfc\xdf"), "üß"),
        (message(b"\xc3\xbc"), "ü"),
        (message(b"\xc3\xbc", b"text/plain; charset=nowhere"), "ü"),
        (message(b"=41", encoding=b"x-unknown"), "=41"),
        (message(b"a \t\r\nb=20 \nc = \r\nd ", encoding=b"quoted-printable"), "a\r\nb \nc d"),
    ],
)
def test_text_is_decoded_by_encoding_and_charset(data, expected):
    assert decode_text(data, parse_message(data)) == expected


@pytest.mark.parametrize("name", ["idna", "zlib", "unicode_escape", "\0", "x" * 200, ""])
def test_charset_that_is_none_is_guessed(name):
    assert decode_charset(b"\xc3\xbc", name) == "ü"


def test_no_more_is_decoded_than_asked_for():
    data = message(b"QUFB\r\n" * 1000, encoding=b"base64")
    assert decode_body(data, parse_message(data), limit=10) == b"A" * 10


def test_search_looks_into_what_a_bounce_says_to_programs():
    data = b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; jane@example.com\r\n"
    assert "jane@example.com" in "".join(search_text(data, parse_message(data), with_header=False))


def test_search_looks_into_all_texts_and_headers():
    data = (
        b"Subject: =?utf-8?q?=C3=BCber?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n"
        b"--b\r\nContent-Type: image/png; name=x\r\nContent-Disposition: attachment; filename=cat.png\r\n\r\npixels\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\ndHdv\r\n--b--"
    )
    whole = "\n".join(search_text(data, parse_message(data), with_header=True))
    for word in ("über", "one", "cat.png", "Subject: inner", "two"):
        assert word in whole
    assert "pixels" not in whole
    text = "\n".join(search_text(data, parse_message(data), with_header=False))
    assert [word for word in ("one", "two", "über", "cat.png", "inner", "png") if word in text] == ["one", "two"]


def test_what_a_field_was_folded_with_and_a_line_without_colon_are_found():
    data = b"Subject: folded\r\n\there\r\nno field\r\n\r\nx"
    assert list(search_text(data, parse_message(data), with_header=True)) == ["Subject: folded here\nno field", "x"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(b"Hello\r\n\r\n  world\t!\r\n"), "Hello world !"),
        (message(b"On Monday Joe wrote:\r\n> old\r\n> words\r\n\r\nnew\r\n-- \r\nJoe"), "new"),
        (message(b"> only\r\n> quoted\r\n"), "> only > quoted"),
        (message(b"<style>x</style><p>a &amp; b</p><!-- <b>c</b> --><br>d", b"text/html"), "a & b d"),
        (message(b"word " * 100), ("word " * 51).strip()),
        (message(b"\xf0\x9f\x98\x80" * 300, b"text/plain; charset=utf-8"), "😀" * 256),
        (message(b"pixels", b"image/png"), ""),
        (
            b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<i>h</i>\r\n"
            b"--b\r\n\r\nplain\r\n--b--",
            "plain",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n\r\nsecond\r\n--b--",
            "second",
        ),
        (b"Content-Disposition: attachment\r\n\r\nfile", ""),
    ],
)
def test_preview_is_the_first_own_words(data, expected):
    assert preview(data, parse_message(data)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a<b>b</b>c", "abc"),
        ("1 < 2", "1 < 2"),
        ("<head><title>t</title><body>x", "x"),
        ("x<script>if (a<b) y</script>z", "xz"),
        ("x<!-- open", "x"),
        ("x<p", "x\n"),
        ("&lt;b&gt;&nbsp;&euro;", "<b>\xa0€"),
        ("<!DOCTYPE html>x<?php y ?>", "x"),
    ],
)
def test_html_gives_its_visible_words(source, expected):
    assert html_to_text(source) == expected
