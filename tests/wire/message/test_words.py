from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.words import MAX_WORDS_BYTES, Builder, find_documents, needle_of, words_of

LETTERS = "abAB0 -.\u00df\u0130\u03a3\u65e5\u672c\u2003"


@given(st.lists(st.text(LETTERS, max_size=12), max_size=8), st.text(LETTERS, min_size=1, max_size=4))
def test_documents_with_the_needle_are_found_and_only_they_when_it_is_one_piece(texts, needle):
    builder = Builder()
    for number, text in enumerate(texts):
        builder.add(number, words_of([text]))
    expected = {number for number, text in enumerate(texts) if needle.casefold() in text.casefold()}
    wanted = needle_of(needle)
    if wanted is None:
        assert not any(letter.isalnum() for letter in needle.casefold())
        return
    found = find_documents(builder.columns(), wanted)
    assert found >= expected
    if wanted.is_exact:
        assert found == expected


@pytest.mark.parametrize(
    ("text", "pieces", "is_exact"),
    [
        ("Word", {b"word"}, True),
        ("a-bc d", {b"a\n", b"\nbc\n", b"\nd"}, False),
        (" ab", {b"\nab"}, False),
        ("ab.", {b"ab\n"}, False),
    ],
)
def test_a_needle_is_cut_at_separators(text, pieces, is_exact):
    needle = needle_of(text)
    assert set(needle.pieces) == pieces
    assert needle.is_exact is is_exact


@pytest.mark.parametrize("text", ["", " ", "-- ", "a\udc80"])
def test_what_has_no_word_cannot_be_looked_up(text):
    assert needle_of(text) is None


def test_a_text_of_too_many_words_is_not_indexed():
    assert words_of(["x" * (MAX_WORDS_BYTES + 1)]) is None
    assert words_of(["x " * MAX_WORDS_BYTES]) == {b"x"}
