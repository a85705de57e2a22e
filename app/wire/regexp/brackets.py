"""Reads a class of characters in brackets: ranges, escapes, `\\d` and `\\pL`, and `[:alpha:]` with its relatives."""

from __future__ import annotations

import re

from app.errors import WireError
from app.wire.regexp.characters import CharClass, Property, Ranges
from app.wire.regexp.escapes import PERL_CLASSES, escaped_char, property_item

_POSIX = re.compile(r"\[:(\^?)([^\]:]*):\]")
_POSIX_CLASSES = {
    "alnum": "09AZaz",
    "alpha": "AZaz",
    "ascii": "\x00\x7f",
    "blank": "\t\t  ",
    "cntrl": "\x00\x1f\x7f\x7f",
    "digit": "09",
    "graph": "!~",
    "lower": "az",
    "print": " ~",
    "punct": "!/:@[`{~",
    "space": "\t\r  ",
    "upper": "AZ",
    "word": "09AZaz__",
    "xdigit": "09AFaf",
}


class Brackets:
    """The brackets that open at `at`; after `read`, `at` is behind them."""

    def __init__(self, text: str, at: int, *, ignores_case: bool) -> None:
        self.text = text
        self.at = at
        self.start = at
        self.ignores_case = ignores_case
        self.items: list[Ranges | Property] = []

    def read(self) -> CharClass:
        """The class; raises WireError."""
        is_negated = self.text.startswith("^", self.at + 1)
        self.at += 2 if is_negated else 1
        is_first = True  # a ] in the first place is a character
        while is_first or not self.text.startswith("]", self.at):
            self._item()
            is_first = False
        self.at += 1
        return CharClass(tuple(self.items), is_negated=is_negated, ignores_case=self.ignores_case)

    def _item(self) -> None:
        if posix := _POSIX.match(self.text, self.at):
            self._posix(posix)
            return
        if self.text.startswith("\\", self.at):
            follower = self.text[self.at + 1 : self.at + 2]
            if perl := PERL_CLASSES.get(follower):
                self.items.append(perl)
                self.at += 2
                return
            if follower and follower in "pP":
                item, self.at = property_item(self.text, self.at)
                self.items.append(item)
                return
        self._range()

    def _posix(self, match: re.Match[str]) -> None:
        bounds = _POSIX_CLASSES.get(match[2])
        if bounds is None:
            raise WireError(f"unknown class {match[0]}", self.at)
        pairs = tuple(zip(bounds[::2], bounds[1::2], strict=True))
        self.items.append(Ranges(pairs, is_negated=bool(match[1])))
        self.at = match.end()

    def _range(self) -> None:
        start = self.at
        first = last = self._char()
        if self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in {"]", ""}:
            self.at += 1
            last = self._char()
        if last < first:
            raise WireError(f"bad range {self.text[start : self.at]}", start)
        self.items.append(Ranges(((first, last),)))

    def _char(self) -> str:
        if self.at >= len(self.text):
            raise WireError("missing closing ]", self.start)
        if self.text[self.at] == "\\":
            char, self.at = escaped_char(self.text, self.at)
            return char
        self.at += 1
        return self.text[self.at - 1]
