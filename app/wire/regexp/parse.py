"""Reads the text of an expression into a tree, by the rules of Go's regexp/syntax package with its Perl extensions.

What Go refuses is refused with a WireError that says why and where: look-around, back-references, stacked repeats,
repeats above 1,000, unknown escapes and classes. Two limits are our own: how deep groups nest, and which scripts
`\\p{..}` knows (`characters`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from app.errors import WireError
from app.wire.regexp.brackets import Brackets
from app.wire.regexp.characters import CharClass, Ranges
from app.wire.regexp.escapes import PERL_CLASSES, escaped_char, property_item
from app.wire.regexp.tree import Assertion, Choice, Group, Literal, Node, OneOf, Repeat, Sequence

MAX_EXPRESSION = 2000  # characters
MAX_REPEAT = 1000  # also of repeats within repeats, multiplied; Go has the same
MAX_DEPTH = 100  # groups within groups

_REPEAT = re.compile(r"(?:([*+?])|\{(0|[1-9][0-9]{0,7})(?:(,)(0|[1-9][0-9]{0,7})?)?\})(\??)")
_FLAGS = re.compile(r"\(\?([imsU]*)(-[imsU]+)?([:)])")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_][0-9A-Za-z_]*)>")
_SYMBOLS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ASSERTIONS = {
    "A": Assertion.TEXT_START,
    "z": Assertion.TEXT_END,
    "b": Assertion.WORD_BOUNDARY,
    "B": Assertion.NO_WORD_BOUNDARY,
}
_ANY = CharClass((Ranges((("\0", "\U0010ffff"),)),))
_NOT_NEWLINE = CharClass((Ranges((("\n", "\n"),)),), is_negated=True)


def parse_expression(text: str) -> Node:
    """The tree of an expression; raises WireError."""
    if len(text) > MAX_EXPRESSION:
        raise WireError(f"a regular expression longer than {MAX_EXPRESSION} characters")
    return _Parser(text).run()


class _Parser:
    """One walk over the text. Flags hold from where they are set to the end of the group they stand in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.flags: frozenset[str] = frozenset()
        self.depth = 0
        self.names: list[str] = []  # of groups, by number less 1

    def run(self) -> Node:
        node = self._choice()
        if self.at < len(self.text):
            raise WireError("a ) without (", self.at)
        check_repeats(node, MAX_REPEAT)
        return node

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self.text.startswith("|", self.at):
            self.at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if match := _REPEAT.match(self.text, self.at):
                self._repeat(items, match)
            elif self.text.startswith("\\Q", self.at):
                items += self._quoted()
            elif (node := self._item(self.text[self.at])) is not None:
                items.append(node)
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _repeat(self, items: list[Node], match: re.Match[str]) -> None:
        if not items:
            raise WireError(f"nothing to repeat before {match[0]}", self.at)
        symbol, least, comma, most, lazy = match.groups()
        low, high = _SYMBOLS[symbol] if symbol else (int(least), int(most) if most else None if comma else int(least))
        if low > MAX_REPEAT or (high is not None and (high > MAX_REPEAT or high < low)):
            raise WireError(f"bad repeat {match[0]}: at most {MAX_REPEAT}, the smaller number first", self.at)
        items.append(Repeat(items.pop(), low, high, is_greedy=("U" in self.flags) == bool(lazy)))
        self.at = match.end()
        if another := _REPEAT.match(self.text, self.at):
            raise WireError(f"a repeat {another[0]} after the repeat {match[0]}", self.at)

    def _item(self, char: str) -> Node | None:
        special = _SPECIAL.get(char)
        if special is not None:
            return special(self)
        self.at += 1
        return self._literal(char)

    def _literal(self, char: str) -> Node:
        if "i" in self.flags and (char.isalpha() or not char.isascii()):
            return OneOf(CharClass((Ranges(((char, char),)),), ignores_case=True))
        return Literal(char)

    def _quoted(self) -> list[Node]:
        start = self.at + 2
        end = self.text.find("\\E", start)
        self.at = end + 2 if end >= 0 else len(self.text)
        return [self._literal(char) for char in self.text[start : end if end >= 0 else None]]

    def _dot(self) -> Node:
        self.at += 1
        return OneOf(_ANY if "s" in self.flags else _NOT_NEWLINE)

    def _start(self) -> Node:
        self.at += 1
        return Assertion.LINE_START if "m" in self.flags else Assertion.TEXT_START

    def _end(self) -> Node:
        self.at += 1
        return Assertion.LINE_END if "m" in self.flags else Assertion.TEXT_END

    def _brackets(self) -> Node:
        brackets = Brackets(self.text, self.at, ignores_case="i" in self.flags)
        chars = brackets.read()
        self.at = brackets.at
        return OneOf(chars)

    def _escape(self) -> Node:
        follower = self.text[self.at + 1 : self.at + 2]
        if assertion := _ASSERTIONS.get(follower):
            self.at += 2
            return assertion
        if perl := PERL_CLASSES.get(follower):
            self.at += 2
            return OneOf(CharClass((perl,), ignores_case="i" in self.flags))
        if follower and follower in "pP":
            item, self.at = property_item(self.text, self.at)
            return OneOf(CharClass((item,), ignores_case="i" in self.flags))
        char, self.at = escaped_char(self.text, self.at)
        return self._literal(char)

    def _open(self) -> Node | None:
        if flags := _FLAGS.match(self.text, self.at):
            return self._flags(flags)
        if named := _NAMED.match(self.text, self.at):
            return self._group(named[0], named[1])
        if self.text.startswith("(?", self.at):
            raise WireError("look-around and other (? groups are not possible", self.at)
        return self._group("(", "")

    def _group(self, opening: str, name: str) -> Node:
        if name and name in self.names:
            raise WireError(f"two groups with the name {name}", self.at)
        self.names.append(name)
        number = len(self.names)
        return Group(self._inside(opening, self.flags), number, name)

    def _flags(self, match: re.Match[str]) -> Node | None:
        flags = (self.flags | frozenset(match[1])) - frozenset(match[2] or "")
        if match[3] == ":":
            return self._inside(match[0], flags)
        self.at = match.end()
        self.flags = flags
        if repeat := _REPEAT.match(self.text, self.at):
            raise WireError(f"nothing to repeat before {repeat[0]}", self.at)
        return None

    def _inside(self, opening: str, flags: frozenset[str]) -> Node:
        start, outer, self.flags = self.at, self.flags, flags
        self.at += len(opening)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise WireError(f"groups nested deeper than {MAX_DEPTH}", start)
        node = self._choice()
        if not self.text.startswith(")", self.at):
            raise WireError("missing closing )", start)
        self.at += 1
        self.depth -= 1
        self.flags = outer
        return node


_SPECIAL: dict[str, Callable[[_Parser], Node | None]] = {
    ".": _Parser._dot,
    "^": _Parser._start,
    "$": _Parser._end,
    "[": _Parser._brackets,
    "\\": _Parser._escape,
    "(": _Parser._open,
}


def check_repeats(node: Node, room: int) -> None:
    """Refuse repeats within repeats that are above MAX_REPEAT when multiplied."""
    if isinstance(node, Repeat):
        count = node.least if node.most is None else node.most
        if count > room:
            raise WireError(f"repeats within repeats make more than {MAX_REPEAT}")
        check_repeats(node.item, room // max(count, 1))
    elif isinstance(node, Group):
        check_repeats(node.item, room)
    elif isinstance(node, Sequence | Choice):
        for item in node.items if isinstance(node, Sequence) else node.branches:
            check_repeats(item, room)
