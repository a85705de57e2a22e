from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import WireError
from app.wire.sasl.preparation import opaque_string, saslprep, user_name


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("correct horse battery staple", "correct horse battery staple"),
        ("Correct Horse", "Correct Horse"),
        ("πßå", "πßå"),
        ("Jack of ♦s", "Jack of ♦s"),
        ("foo\u1680bar", "foo bar"),
        ("e\u0301", "é"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
    ],
)
def test_opaque_string_examples_of_rfc_8265(text, result):
    assert opaque_string(text) == result


@pytest.mark.parametrize("text", ["", "my cat is a \u0009by", "a\u200db", "a\ue000", "\ud800", "a\ufe0f", "\u0378"])
def test_opaque_string_refuses(text):
    with pytest.raises(WireError):
        opaque_string(text)


def test_user_names_keep_their_case_and_lose_their_width():
    assert user_name("Ｊan@e\u0301.example") == "Jan@é.example"


@pytest.mark.parametrize(
    ("text", "result"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"), ("a\u00a0b", "a b")],
)
def test_saslprep_examples_of_rfc_4013(text, result):
    assert saslprep(text) == result


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0627"])
def test_saslprep_refuses(text):
    with pytest.raises(WireError):
        saslprep(text)


@given(st.text(max_size=30))
def test_preparation_is_stable_and_fails_only_on_purpose(text):
    for prepare in (opaque_string, user_name, saslprep):
        try:
            once = prepare(text)
        except WireError:
            continue
        assert prepare(once) == once
