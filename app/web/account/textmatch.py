"""Conditions on texts in plain words ("contains", "is at the domain"), and the regular expressions that they stand for.

    write_match(Match(How.CONTAINS, "news"), Subject.FIELD)  ->  "news"
    read_match(r"(?i)^jane@example\\.org$", Subject.ADDRESS) ->  Match(How.IS, "jane@example.org")

The configuration has only expressions. What `write_match` did not make is shown as an expression, so a condition that
somebody else wrote stays exactly as it is: writing what was read gives the same text again. Values of header fields
are compared in lower case (`app.routing.rulesets`), addresses as they are written, hence `(?i)` there.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from app.errors import WireError
from app.wire.domain import parse_domain

_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
_LITERAL = re.compile(r"(?:[^\\.+*?()|\[\]{}^$]|\\[\\.+*?()|\[\]{}^$])*")
_ESCAPED = re.compile(r"\\(.)")
_FOLD = "(?i)"
_ANYTHING = ".*"
_AT_DOMAIN = "[@.]"


class Subject(enum.Enum):
    """What is compared."""

    ADDRESS = "address"
    FIELD = "field"


class How(enum.Enum):
    """How it is compared; the values are those of forms."""

    IS = "is"
    CONTAINS = "contains"
    DOMAIN = "domain"  # of addresses
    ANY = "any"  # of fields: whatever they say
    EXPRESSION = "expression"


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a text."""

    how: How
    text: str = ""

    @property
    def words(self) -> str:
        """The predicate of a sentence."""
        if self.how is How.ANY:
            return "is there"
        if self.how is How.DOMAIN:
            return f"is at {self.text}, or below"
        verb = {How.IS: "is", How.CONTAINS: "contains", How.EXPRESSION: "matches the expression"}[self.how]
        return f"{verb} “{self.text}”"


def write_match(match: Match, subject: Subject) -> str:
    """The regular expression; raises WireError for a domain that is none."""
    if match.how is How.EXPRESSION:
        return match.text
    if match.how is How.ANY:
        return _ANYTHING
    fold = _FOLD if subject is Subject.ADDRESS else ""
    if match.how is How.DOMAIN:
        return f"{fold}{_AT_DOMAIN}{_escape(parse_domain(match.text.lstrip('@')).unicode)}$"
    text = _escape(match.text if fold else match.text.lower())
    return f"{fold}^{text}$" if match.how is How.IS else f"{fold}{text}"


def read_match(expression: str, subject: Subject) -> Match:
    """The condition that an expression stands for."""
    for guess in _guesses(expression, subject):
        try:
            if guess.text and write_match(guess, subject) == expression:
                return guess
        except WireError:
            continue
    is_any = subject is Subject.FIELD and expression == _ANYTHING
    return Match(How.ANY) if is_any else Match(How.EXPRESSION, expression)


def _guesses(expression: str, subject: Subject) -> list[Match]:
    """What it may stand for; one is right if it gives the expression again."""
    rest = expression.removeprefix(_FOLD) if subject is Subject.ADDRESS else expression
    found = []
    if subject is Subject.ADDRESS and rest.startswith(_AT_DOMAIN):
        found.append(Match(How.DOMAIN, _plain(rest.removeprefix(_AT_DOMAIN).removesuffix("$"))))
    if rest.startswith("^"):
        found.append(Match(How.IS, _plain(rest[1:].removesuffix("$"))))
    found.append(Match(How.CONTAINS, _plain(rest)))
    return found


def _escape(text: str) -> str:
    return _META.sub(r"\\\g<0>", text)


def _plain(expression: str) -> str:
    """The text of an expression that matches only it; "" for any other."""
    return _ESCAPED.sub(r"\1", expression) if _LITERAL.fullmatch(expression) else ""
