from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.header import unfold
from app.wire.message.references import parse_message_id, parse_references
from app.wire.message.subject import base_subject, parse_subject


@pytest.mark.parametrize(
    ("value", "text", "is_reply"),
    [
        ("Hello", "Hello", False),
        ("Re: Hello", "Hello", True),
        ("RE[2]: re : Fwd: Hello (fwd)", "Hello", True),
        ("[list] Re: [list] Hello", "Hello", True),
        ("[list]", "[list]", False),
        ("[Fwd: Re: Hello]", "Hello", True),
        ("AW: Hello", "Hello", True),
        ("Regarding: x", "Regarding: x", False),
        ("  Hello\t world ", "Hello world", False),
        ("=?utf-8?q?Re=3A_=C3=BC?=", "ü", True),
        ("Re:", "", True),
        ("", "", False),
    ],
)
def test_base_subject_is_what_replies_share(value, text, is_reply):
    found = parse_subject(value)
    assert (found.text, found.is_reply) == (text, is_reply)


@given(st.text(alphabet=st.sampled_from("Re:fwd[]() x"), max_size=60))
def test_base_subject_of_any_text_does_not_change_again(value):
    base = base_subject(value)
    assert base_subject(f"Re: {base}") == base_subject(base)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<A.b@X>", "a.b@x"),
        (" (c) <a@ b> ", "a@b"),
        ("a@b", "a@b"),
        ("two words", None),
        ("", None),
        ("<>", None),
        ("<" + "x" * 2000 + ">", None),
    ],
)
def test_message_id_is_lower_case_without_brackets(value, expected):
    assert parse_message_id(value) == expected


def test_references_stand_in_order_and_once():
    assert parse_references('<A@x> junk <b@x>\t<a@X> "q" <>') == ["a@x", "b@x"]


def test_a_message_id_in_other_bytes_than_utf8_can_be_stored_and_is_the_parent_of_its_replies():
    value = unfold(b"<gr\xfc\xdfe@example.org>")
    found = parse_message_id(value)
    assert found is not None
    assert found.encode()
    assert parse_references(value) == [found]
    assert parse_message_id(unfold(b"<gr\xfc\xdee@example.org>")) != found
