"""Tokens for subjects: good for one author, one recipient, and a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.junk.subjectpass import Pair, Validity, give, has_pass

KEY = b"k" * 32
PAIR = Pair("ann@example.org", "jane@example.com")
NOW = 1795365439.0
HOUR = 3600.0
FRESH = Validity(now=NOW, period_s=12 * HOUR)


def test_a_token_passes_wherever_it_stands():
    token = give(KEY, PAIR, NOW)
    assert len(token) == len("(pass:)") + 22
    for subject in (token, f"Re: hello {token}", f"(pass:{'A' * 22}) {token} more"):
        assert has_pass(subject, KEY, PAIR, FRESH)


@pytest.mark.parametrize(
    ("key", "pair"),
    [
        (b"x" * 32, PAIR),
        (KEY, Pair("bob@example.org", PAIR.recipient)),
        (KEY, Pair(PAIR.author, "joe@example.com")),
    ],
)
def test_a_token_is_for_one_author_and_one_recipient(key: bytes, pair: Pair):
    assert not has_pass(give(KEY, PAIR, NOW), key, pair, FRESH)


@pytest.mark.parametrize(("age", "counts"), [(0, True), (12, True), (13, False), (1000, False), (-2, False)])
def test_a_token_is_good_for_a_while(age: float, counts: bool):
    token = give(KEY, PAIR, NOW - age * HOUR)
    assert has_pass(token, KEY, PAIR, FRESH) is counts


@given(st.one_of(st.text(), st.from_regex(r"\(pass:[A-Za-z0-9_-]{22}\)")))
def test_other_subjects_do_not_pass(subject: str):
    assert not has_pass(subject, KEY, PAIR, FRESH)
