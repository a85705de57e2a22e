"""Where a match and its groups are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.regexp.matcher import Matcher


@pytest.mark.parametrize(
    ("expression", "text", "spans"),
    [
        ("b+", "abbc", ((1, 3),)),
        ("b+?", "abbc", ((1, 2),)),
        ("(?U)b+", "abbc", ((1, 2),)),
        ("b*", "abb", ((0, 0),)),  # the first from the left, though empty
        ("ab|abc", "abc", ((0, 2),)),  # the first branch, though shorter
        ("^/(old|older)/(.*)$", "/old/x/y", ((0, 8), (1, 4), (5, 8))),
        ("(a)|(b)", "xb", ((1, 2), None, (1, 2))),
        ("(a|ab)(c|bcd)(d*)", "abcd", ((0, 4), (0, 1), (1, 4), (4, 4))),
        ("(?:(a)|b)*", "ab", ((0, 2), (0, 1))),
        (r"\bfoo\b", "a foo", ((2, 5),)),
        ("(?P<x>.)$", "ab", ((1, 2), (1, 2))),
        ("x", "ab", None),
    ],
)
def test_spans(expression: str, text: str, spans: tuple[tuple[int, int] | None, ...] | None) -> None:
    found = Matcher(expression).find(text)
    assert (found.spans if found else None) == spans


_PIECES = st.sampled_from(["a", "b", "[ab]", ".", "(a|b)", "(ab|a)", "(a)?", "a*", "b+?", "a{1,2}", "(.)", "^", r"\b"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(_PIECES, max_size=4).map("".join), min_size=1, max_size=3), st.text("abx ", max_size=8))
def test_finds_where_python_does(branches: list[str], text: str) -> None:
    expression = "|".join(branches)
    found, expected = Matcher(expression).find(text), re.search(expression, text)
    assert (found is None) == (expected is None)
    if found and expected:
        groups = range(len(found.spans))
        assert found.spans == tuple(None if expected.span(n) == (-1, -1) else expected.span(n) for n in groups)
        assert (found.start, found.end) == expected.span()


def test_a_hostile_expression_is_followed_in_linear_time() -> None:
    found = Matcher("((a*)*)*(a|a)*$").find("a" * 3000)
    assert found is not None
    assert found.end == 3000
