"""Regular expressions in Go's syntax, matched in linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import WireError
from app.wire.regexp.automaton import MAX_KEPT
from app.wire.regexp.matcher import Matcher, compile_regexp


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        (r"^list-id$", "list-id", "list-id\n"),  # Go's $ is the very end
        (r"(?m)^b$", "a\nb\nc", "ab"),
        (r"(?m:b$)\nc", "b\nc", "bc"),
        (r"a(?i)b|c", "aB", "A"),
        (r"^a(?i)b|c$", "C", "AB"),
        (r"(x(?i)y)z", "xYz", "xyZ"),
        (r"(?i:a(?-i)b)", "Ab", "AB"),
        (r"(?U)^a+$", "aa", "ab"),
        (r"a.c", "abc", "a\nc"),
        (r"(?s)a.c", "a\nc", "ac"),
        (r"^[[:alpha:]]+$", "abc", "a1"),
        (r"^[[:^alpha:]\d]$", "1", "a"),
        (r"^[^[:space:]]$", "x", "\v"),
        (r"^\s$", "\f", "\v"),  # Go's \s is without the vertical tab
        (r"^\pL+$", "éa", "1"),
        (r"^\p{Lu}\P{Lu}$", "Aa", "AA"),
        (r"^\p{^Lu}$", "a", "A"),
        (r"^[\p{Cyrillic}\s]+$", "привет мир", "privet"),
        (r"\p{Han}", "中", "か"),
        (r"^\w$", "a", "é"),
        (r"^\W$", "é", "a"),
        (r"\Qa.b\E+$", "a.bb", "axb"),
        (r"^x{,2}$", "x{,2}", "xx"),
        (r"^x{2}{$", "xx{", "xx"),
        (r"^x{2,3}$", "xxx", "xxxx"),
        (r"^x{02}$", "x{02}", "xx"),
        (r"^[]a]+$", "]a", "b"),
        (r"^[a-]$", "-", "b"),
        (r"^[^]a]$", "b", "]"),
        (r"^[a&&b]$", "&", "c"),
        (r"^[\x41-\103\x{44}]$", "D", "E"),
        (r"(?P<name>a)(?<other>b)", "ab", "a"),
        (r"\bfoo\b", "a foo.", "foot"),
        (r"o\Bo", "foo", "o o"),
        (r"(?:)*$^", "", "a"),
        (r"(|a)+b", "aab", "a"),
        (r"^(a||b)$", "", "-"),
        (r"(?i)STRASSE|Straße", "straẞe", "stras"),
        (r"(?i)^k$", "\N{KELVIN SIGN}", "x"),
        (r"(?i)^[^k]$", "x", "\N{KELVIN SIGN}"),
        (r"(?i)σ", "ς", "s"),
        (r"x*", "anything", None),
    ],
)
def test_means_the_same_as_in_go(expression: str, matching: str, other: str | None) -> None:
    matcher = compile_regexp(expression)
    assert matcher.search(matching)
    assert other is None or not matcher.search(other)


@pytest.mark.parametrize(
    "expression",
    [
        *("(", "a)", "[a", "[", "[]", "[z-a]", r"[a-\d]", "[[:nix:]]", "a**", "a*+", "a{2}{3}", "a{1001}", "a{3,2}"),
        *("*", "|*", "(*)", "^|+", r"\1", r"(a)\1", "(?=a)", "(?<!a)", "(?P=n)", "(?-)", "(?P<n>a)(?P<n>b)"),
        *(r"\pY", r"\p{Klingon}", r"\8", r"\y", r"\Z", "\\", r"\é", r"\x{110000}", "x" * 3000, "(" * 200 + ")" * 200),
        *("((a{100}){100}){100}", "(?:abcdefgh){1000}"),
    ],
)
def test_what_go_refuses_or_costs_too_much_is_refused(expression: str) -> None:
    with pytest.raises(WireError):
        compile_regexp(expression)


# Pairs: the expression for us, and the same for Python.
_ATOMS = st.sampled_from(
    [(one, one) for one in ("a", "b", "ab", ".", "[ab]", "[^a]", r"\w", r"\W", "x", r"\b", "^", "(?:)", "\n")]
    + [(r"\B", r"(?:\B|\A\Z)")]  # Python finds no \B in an empty text
    + [("$", r"\Z"), ("(?i:A)", "(?i:A)"), ("(?m:^)", "(?m:^)"), ("(?m:$)", "(?m:$)"), ("(?s:.)", "(?s:.)")]
)


def _join(parts: list[tuple[str, str]], separator: str) -> tuple[str, str]:
    return separator.join(ours for ours, _ in parts), separator.join(python for _, python in parts)


def _expressions(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    several = st.lists(inner, min_size=1, max_size=4)
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?", "{0}"])
    return st.one_of(
        several.map(lambda parts: _join(parts, "")),
        several.map(lambda parts: tuple(f"({side})" for side in _join(parts, "|"))),
        st.builds(lambda part, repeat: (f"(?:{part[0]}){repeat}", f"(?:{part[1]}){repeat}"), inner, repeats),
    )


@settings(max_examples=600, deadline=None)
@given(st.recursive(_ATOMS, _expressions, max_leaves=8), st.lists(st.text("abxAé_ \n", max_size=8), max_size=6))
def test_finds_what_python_finds(pair: tuple[str, str], texts: list[str]) -> None:
    ours, python = pair
    matcher = Matcher(ours)
    for text in texts * 2:  # the second time with what was remembered
        assert matcher.search(text) == bool(re.search(python, text, re.ASCII)), (ours, text)


@settings(max_examples=300, deadline=None)
@given(st.text(r"ab*+?{}()[]|\^$.,1-:iPpQE<>", max_size=20), st.text(max_size=10))
def test_any_text_is_matched_or_refused(expression: str, text: str) -> None:
    try:
        matcher = Matcher(expression)
    except WireError:
        return
    matcher.search(text)


@pytest.mark.parametrize(
    ("expression", "needed"),
    [
        *(("(a*)*b", "b"), ("(a|a)*b", "b"), ("(a+)+b", "b"), ("(a|aa)+$b", "b"), ("(x+x+)+y", "y")),
        *(("(a?){20}b", "b"), (".*.*.*b", "b"), (r"(\w+\s?)*!b", "!b")),
    ],
)
def test_ten_times_the_text_costs_at_most_twelve_times_the_steps(expression: str, needed: str) -> None:
    costs = []
    for length in (1000, 10_000):
        matcher = Matcher(f"[^z]{expression}")  # nothing to be left out at the start
        assert not matcher.search(needed + "a" * length)  # what it needs is there, in the wrong place
        assert matcher.steps
        costs.append(matcher.steps + length)
    assert costs[1] <= 12 * costs[0]


def test_a_text_that_defeats_memory_stays_linear_and_within_bounds() -> None:
    text = "".join("ab"[(number * number >> 3) & 1] for number in range(3000))
    costs = []
    for length in (1500, 3000):
        matcher = Matcher("a[ab]{60}c")
        assert not matcher.search(text[:length] + "-c")
        costs.append(matcher.steps)
    assert costs[1] <= 2.5 * costs[0]
    assert costs[1] <= 3000 * 2 * matcher.size


def test_what_is_remembered_is_bounded() -> None:
    matcher = Matcher("a[^z]{200}z")
    matcher.search("".join(chr(0x4E00 + number % 9000) for number in range(20_000)) + "a" * 300 + "z")
    assert matcher._automaton._kept < MAX_KEPT + 5000
