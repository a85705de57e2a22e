from __future__ import annotations

import pytest

from app.wire.message.part import parse_message, part_body, part_header
from app.wire.message.section import find_part, message_of

PLAIN = b"Subject: s\r\n\r\nbody"
# RFC 9051 §6.4.5 has the example that this follows: 1 text, 2 a message with a multipart, 3 a message without.
MIXED = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: in\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\n21\r\n--c\r\n\r\n22\r\n--c--\r\n--b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: plain\r\n\r\n31\r\n--b--"
)


@pytest.mark.parametrize(
    ("data", "numbers", "body"),
    [
        (PLAIN, (), b"body"),
        (PLAIN, (1,), b"body"),
        (PLAIN, (2,), None),
        (PLAIN, (0,), None),
        (PLAIN, (1, 1), None),
        (MIXED, (1,), b"one"),
        (MIXED, (1, 1), None),
        (MIXED, (2, 1), b"21"),
        (MIXED, (2, 2), b"22"),
        (MIXED, (2, 3), None),
        (MIXED, (3, 1), b"31"),
        (MIXED, (3, 2), None),
        (MIXED, (3, 1, 1), None),
        (MIXED, (4,), None),
        (b"Content-Type: message/rfc822\r\n\r\n" + PLAIN, (1,), PLAIN),
        (b"Content-Type: message/rfc822\r\n\r\n" + PLAIN, (1, 1), b"body"),
        (b"Content-Type: message/rfc822\r\n\r\n" + MIXED, (1, 2, 1), b"21"),
    ],
)
def test_part_numbers_count_as_imap_says(data, numbers, body):
    part = find_part(parse_message(data), numbers)
    assert (part and part_body(data, part)) == body


def test_header_of_a_section_is_that_of_the_message_in_it():
    root = parse_message(MIXED)
    assert message_of(root, ()) is root
    assert message_of(root, (1,)) is None
    message = message_of(root, (3,))
    assert message is not None
    assert part_header(MIXED, message) == b"Subject: plain\r\n\r\n"
