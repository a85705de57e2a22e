"""What the header of a message says that decides about its delivery."""

from __future__ import annotations

import pytest

from app.errors import MessageSyntaxError
from app.smtpserver.arrival import MAX_HEADER, arrival, header_of
from app.store.spool import Body


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody", b"A: 1\r\nB: 2\r\n"),
        (b"\r\nFrom: in@the.body\r\n\r\n", b""),
        (b"A: only a header\r\n", b"A: only a header\r\n"),
        (b"", b""),
        (b"A: " + b"x" * MAX_HEADER + b"\r\n\r\nbody", b"A: " + b"x" * (MAX_HEADER - 3)),
    ],
)
def test_header_ends_at_the_first_empty_line(message, header):
    assert header_of(message) == header


def authors(header):
    return [str(author) for author in arrival(Body.of(header + b"\r\ntext")).authors()]


def test_authors():
    assert authors(b"From: Jane <jane@example.com>\r\n") == ["jane@example.com"]
    assert authors(b"From: a@example.com,\r\n b@example.com\r\n") == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize(
    "header", [b"Subject: x\r\n", b"From: a@b.example\r\nfrom: a@b.example\r\n", b"From: nobody\r\n"]
)
def test_no_author_where_the_header_does_not_say(header):
    with pytest.raises(MessageSyntaxError):
        authors(header)
