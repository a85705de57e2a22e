"""Routes: first match wins."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.routing.routes import choose


@dataclass(frozen=True)
class Rule:
    from_domain: tuple[str, ...] = ()
    to_domain: tuple[str, ...] = ()
    minimum_attempts: int = 0
    transport: str = "t"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(), True),
        (Rule(to_domain=("x.example",)), True),
        (Rule(to_domain=("X.example",)), True),
        (Rule(to_domain=(".x.example",)), True),
        (Rule(to_domain=(".example",)), True),
        (Rule(to_domain=("example",)), False),
        (Rule(to_domain=(".ample",)), False),
        (Rule(to_domain=("y.example", "x.example")), True),
        (Rule(from_domain=("other.org",)), False),
        (Rule(from_domain=("example.org",), to_domain=("x.example",)), True),
        (Rule(minimum_attempts=2), True),
        (Rule(minimum_attempts=3), False),
    ],
)
def test_matching(rule, expected):
    assert (choose([rule], "example.org", "x.example", 2) == "t") is expected


def test_first_match_wins_and_none_is_direct():
    rules = [Rule(to_domain=("a.example",), transport="a"), Rule(transport="b"), Rule(transport="c")]
    assert choose(rules, "", "x.example", 0) == "b"
    assert choose([], "", "x.example", 0) is None


def test_internationalised_pattern():
    assert choose([Rule(to_domain=(".bücher.example",))], "", "a.xn--bcher-kva.example", 0) == "t"
