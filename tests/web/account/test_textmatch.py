"""Conditions in words and the expressions that they stand for."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.config.regexp import Regexp, parse_regexp
from app.errors import SconfSyntaxError, WireError
from app.web.account.textmatch import How, Match, Subject, read_match, write_match

TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30).map(str.strip).filter(bool)
)
NASTY = st.text("()[]{}.*+?^$|\\@iaA0-", min_size=1, max_size=12)


@given(TEXTS | NASTY, st.sampled_from([How.IS, How.CONTAINS]), st.sampled_from(Subject))
def test_what_was_typed_matches_itself_and_is_shown_again(text: str, how: How, subject: Subject) -> None:
    text = text.lower() if subject is Subject.FIELD else text
    expression = write_match(Match(how, text), subject)
    assert parse_regexp(expression).search(text)
    assert parse_regexp(expression).search(f"x{text}x") is (how is How.CONTAINS)
    assume(expression != ".*")
    assert write_match(read_match(expression, subject), subject) == expression


@given(TEXTS | NASTY, st.sampled_from(Subject))
def test_an_expression_that_somebody_wrote_stays_exactly(expression: str, subject: Subject) -> None:
    try:
        parse_regexp(expression)
    except SconfSyntaxError:
        assume(False)
    match = read_match(expression, subject)
    assert write_match(match, subject) == expression


@pytest.mark.parametrize(
    ("match", "subject"),
    [
        (Match(How.IS, "a.b+c@example.org"), Subject.ADDRESS),
        (Match(How.CONTAINS, "news"), Subject.ADDRESS),
        (Match(How.DOMAIN, "bücher.example"), Subject.ADDRESS),
        (Match(How.EXPRESSION, "^(a|b)@"), Subject.ADDRESS),
        (Match(How.IS, "[devel] x"), Subject.FIELD),
        (Match(How.CONTAINS, "100 %"), Subject.FIELD),
        (Match(How.ANY), Subject.FIELD),
        (Match(How.EXPRESSION, "a.*b"), Subject.FIELD),
    ],
)
def test_each_way_is_shown_as_it_was_chosen(match: Match, subject: Subject) -> None:
    assert read_match(write_match(match, subject), subject) == match


def test_a_domain_takes_itself_and_what_is_below_but_no_other() -> None:
    expression = Regexp(write_match(Match(How.DOMAIN, "@Example.org"), Subject.ADDRESS))
    assert expression.search("Jane@EXAMPLE.org")
    assert expression.search("jane@lists.example.org")
    assert not expression.search("jane@badexample.org")
    assert not expression.search("jane@example.org.evil.example")


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(WireError):
        write_match(Match(How.DOMAIN, "no domain"), Subject.ADDRESS)
