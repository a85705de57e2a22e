"""Regular expressions in configuration files."""

from __future__ import annotations

import pytest

from app.config.regexp import parse_regexp
from app.errors import SconfSyntaxError


def test_an_expression_keeps_its_text_and_matches() -> None:
    regexp = parse_regexp(r"^(junk|spam)\b")
    assert regexp.text == r"^(junk|spam)\b"
    assert regexp.search("junk/2020")
    assert not regexp.search("junkyard")


@pytest.mark.parametrize(("expression", "place"), [("ab(c", "character 3"), ("a**", "character 3"), (r"(a)\1", "4")])
def test_a_bad_expression_is_refused_with_the_place(expression: str, place: str) -> None:
    with pytest.raises(SconfSyntaxError, match=place):
        parse_regexp(expression)
