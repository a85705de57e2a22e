from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.header import (
    Field,
    find_field,
    find_fields,
    has_field,
    has_header,
    raw_fields,
    read_fields,
    select_fields,
    strip_comments,
    without_fields,
)

HEADER = b"From: a@b\r\nSubject: one\r\n two\r\nnothing\r\nX-A : 1\r\nsubject: three\r\n\r\n"


def test_first_field_of_a_name_is_found_whatever_its_case():
    assert find_field(HEADER, "SUBJECT") == "one two"
    assert find_fields(HEADER, "Subject") == ["one two", "three"]
    assert find_field(HEADER, "x-a") == "1"
    assert find_field(HEADER, "Sub") is None
    assert has_field(b"To:\r\n\r\n", "to")
    assert find_field(b"To:\r\n\r\n", "to") == ""


def test_all_fields_are_read_in_order_without_lines_that_are_none():
    assert list(read_fields(HEADER)) == [
        Field("From", "a@b"),
        Field("Subject", "one two"),
        Field("X-A", "1"),
        Field("subject", "three"),
    ]


@pytest.mark.parametrize(
    ("header", "names", "exclude", "expected"),
    [
        (HEADER, ("Subject",), False, b"Subject: one\r\n two\r\nsubject: three\r\n\r\n"),
        (HEADER, ("SUBJECT", "x-a"), True, b"From: a@b\r\nnothing\r\n\r\n"),
        (HEADER, ("Missing",), False, b"\r\n"),
        (b"A: b\nC: d\n e\n\n", ("c",), False, b"C: d\n e\n\r\n"),
        (b"A: b", ("a",), False, b"A: b\r\n\r\n"),
        (b"A: b\r\n folded", ("a",), False, b"A: b\r\n folded\r\n\r\n"),
        (b"", ("a",), True, b"\r\n"),
    ],
)
def test_selected_fields_keep_their_bytes_and_end_with_an_empty_line(header, names, exclude, expected):
    assert select_fields(header, names, exclude) == expected


NAMES = ("from", "to", "list-id", "x-a")
LINES = (
    b"From: a\r\n",
    b"from : b\r\n",
    b"To: c\r\n\td\r\n e\r\n",
    b"List-Id: x\n",
    b"X-A:\r\n",
    b"X-AB: y\r\n",
    b"nothing\r\n",
)


@given(st.lists(st.sampled_from(LINES), max_size=8).map(b"".join), st.sets(st.sampled_from(NAMES)))
def test_to_take_fields_away_leaves_what_selecting_the_others_gives(header, unwanted):
    selected = select_fields(header, NAMES, exclude=False)
    others = [name for name in NAMES if name not in unwanted]
    assert without_fields(selected, sorted(unwanted)) == select_fields(header, others, exclude=False)


@given(st.binary(max_size=200))
def test_raw_fields_are_the_whole_header(header):
    assert b"".join(raw_fields(header)).rstrip(b"\r\n") == header.rstrip(b"\r\n")


def test_bytes_that_are_not_utf8_survive():
    value = find_field(b"A: \xfc\xc3\xbc\r\n\r\n", "a")
    assert value is not None
    assert value.encode("utf-8", "surrogateescape") == b"\xfc\xc3\xbc"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", True),
        (b"\r\nbody", True),
        (b"X: y\r\n", True),
        (b"From jane Mon Nov 23\nX: y\n", True),
        (b"words\r\nmore: words\r\n", False),
        (b"Cc\r\nDate: yesterday\r\n\r\nbody", True),  # a first line that was cut
        (b":Reply-To: a\nFROM : b\n", True),
        (b"words\r\n\r\nFrom: a\r\n", False),
        (b"words\n\nFrom: a\n", False),
        (b" dmarc=pass\r\nFrom: a\r\n", False),  # what is put in front would go on with it
        (b"words\r\nSubjects: a\r\n", False),
        (b"words\r\n" * 20_000 + b"From: a\r\n", False),
    ],
)
def test_a_header_section_is_told_from_text(data, expected):
    assert has_header(data) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (b (c) d) e", "a  e"),
        ('"(a)" (b', '"(a)" '),
        ("a)b", "a)b"),
        (r"a (\)) b", "a  b"),
        ('(")', ""),
        ('a (") b "(', 'a  b "('),
    ],
)
def test_comments_are_taken_away_but_not_from_quoted_strings(text, expected):
    assert strip_comments(text) == expected
