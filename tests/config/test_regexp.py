"""Go's regular expressions, matched by Python."""

from __future__ import annotations

import pytest

from app.config.regexp import parse_regexp
from app.errors import SconfSyntaxError


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        (r"^list-id$", "list-id", "list-id\n"),  # Go's $ is the very end
        (r"end\z", "the end", "end\n"),
        (r"(?m)^b$", "a\nb\nc", "ab"),
        (r"(?m:b$)\nc", "b\nc", "bc"),
        (r"a(?i)b|c", "aB", "A"),
        (r"^a(?i)b|c$", "C", "AB"),
        (r"(x(?i)y)z", "xYz", "xyZ"),
        (r"^[[:alpha:]]+$", "abc", "a1"),
        (r"^[^[:space:]]$", "x", " "),
        (r"^\pL+$", "éa", "1"),
        (r"^\w$", "a", "é"),  # Go's \w is ASCII
        (r"\Qa.b\E$", "a.b", "axb"),
        (r"^x{,2}$", "x{,2}", "xx"),
        (r"^[]a]+$", "]a", "b"),
        (r"^[a&&b]$", "&", "c"),
        (r"^\x{41}$", "A", "x"),
        (r"(?P<name>a)(?<other>b)", "ab", "a"),
        (r"^(junk|spam)", "junk/2020", "my junk"),
    ],
)
def test_means_the_same_as_in_go(expression: str, matching: str, other: str) -> None:
    regexp = parse_regexp(expression)
    assert regexp.search(matching)
    assert not regexp.search(other)


@pytest.mark.parametrize(
    "expression", ["(", "a)", "[a", "a**", "a*+", r"\1", r"(a)\1", "(?=a)", "(?<!a)", r"\pZ", "(?U)a", "*", "x" * 3000]
)
def test_what_go_refuses_or_python_cannot_do_is_refused(expression: str) -> None:
    with pytest.raises(SconfSyntaxError):
        parse_regexp(expression)
