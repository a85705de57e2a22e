"""Which rule a message falls under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.dynamic import Ruleset
from app.config.regexp import Regexp
from app.routing.rulesets import MAX_FIELDS, find_ruleset, read_facts
from app.wire.domain import Domain
from tests.support.growth import assert_linear

HEADER = (
    b"Return-Path: <devel-bounces@lists.example.org>\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@b\xc3\xbccher.example>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\taus   Bremen\r\n"
    b"List-Id: Developers,\r\n   all <Devel.lists.example.org>\r\n\r\n"
)
FACTS = read_facts(HEADER, "devel-bounces@lists.example.org", frozenset({Domain("mail.example.org")}))


def rule(mailbox: str = "Lists", headers: dict[str, str] | None = None, **more: object) -> Ruleset:
    expressions = {Regexp(name): Regexp(value) for name, value in (headers or {}).items()}
    return Ruleset(mailbox=mailbox, headers_regexp=expressions, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ruleset", "is_match"),
    [
        (rule(smtp_mail_from_regexp=Regexp(r"^devel-bounces@lists\.example\.org$")), True),
        (rule(smtp_mail_from_regexp=Regexp("^$")), False),
        (rule(msg_from_regexp=Regexp("^joerg@bücher.example$")), True),
        (rule(msg_from_regexp=Regexp("jörg")), False),  # the display name says nothing
        (rule(verified_domain=Domain("example.org")), True),
        (rule(verified_domain=Domain("mail.example.org")), True),
        (rule(verified_domain=Domain("ample.org")), False),
        (rule(headers={"^list-id$": r"<devel\.lists\.example\.org>$"}), True),
        (rule(headers={"^list-id$": "Devel"}), False),  # both are compared in lower case
        (rule(headers={"^List-Id$": "devel"}), False),
        (rule(headers={"^list-id$": "^developers, all <"}), True),  # the lines are joined by one space
        (rule(headers={"^subject$": "^grüße"}), True),
        (rule(headers={"^subject$": r"=\?utf-8\?q\?gr="}), True),  # as it was written
        (rule(headers={"^(subject|list-id)$": "developers"}), True),
        (rule(headers={"^list-id$": "devel", "^subject$": "bremen$"}), True),
        (rule(headers={"^list-id$": "devel", "^subject$": "hamburg"}), False),
        (rule(headers={"^list-id$": "devel"}, msg_from_regexp=Regexp("someone")), False),
        (rule(headers={"^x-missing$": ""}), False),
        (rule(), False),  # a rule without conditions, which the checks refuse
    ],
)
def test_a_rule_holds_when_all_its_conditions_do(ruleset: Ruleset, is_match: bool) -> None:
    assert (find_ruleset([ruleset], FACTS) is ruleset) is is_match


def test_the_first_rule_that_holds_counts() -> None:
    rules = [rule(str(number), {"^list-id$": text}) for number, text in enumerate(["nothing", "devel", "lists"])]
    assert find_ruleset(rules, FACTS) is rules[1]
    assert find_ruleset(rules[:1], FACTS) is None


@pytest.mark.parametrize(
    "header", [b"", b"From: a@b.example\r\nFrom: c@d.example\r\n", b"From: a@b, c@d\r\n", b"From: \r\n"]
)
def test_without_exactly_one_author_no_rule_on_the_author_holds(header: bytes) -> None:
    assert find_ruleset([rule(msg_from_regexp=Regexp(""))], read_facts(header, "")) is None


def test_a_notification_has_an_empty_reverse_path() -> None:
    assert find_ruleset([rule(smtp_mail_from_regexp=Regexp("^$"))], read_facts(b"", "")) is not None


def test_a_hostile_header_costs_little() -> None:
    evil = rule(headers={"^(x|x)*y$": "[^z](a*)*b$", "^(x+)+y$": "[^z](a|aa)+c$"})

    def ask(length: int) -> None:
        header = (b"x" * length + b"y: cb" + b"a" * 30 * length + b"\r\n") * (2 * MAX_FIELDS)
        assert find_ruleset([evil], read_facts(header, "")) is None

    assert_linear(ask, 8)  # one field of the longer ones takes `re` longer than anybody waits


@given(st.binary(max_size=200))
def test_any_header_can_be_asked(header: bytes) -> None:
    find_ruleset([rule(headers={"": "x{3}"}, msg_from_regexp=Regexp("@"))], read_facts(header, ""))
