"""The face of the package: an expression, ready to be searched for in texts.

    matcher = compile_regexp("^list-id$")      # WireError when Go would refuse it; remembered by text
    matcher.search("list-id")                  # True

`search` only says whether there is a match; `find` also where it and its groups are, at a greater cost. Short cuts keep
most texts away from the automaton: what is plain text is looked for as such; a run of plain text that every match must
contain is looked for first; and what may be left out at both ends of an expression is left out.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from app.wire.regexp.automaton import Automaton
from app.wire.regexp.parse import parse_expression
from app.wire.regexp.program import compile_program
from app.wire.regexp.tracer import Found, Tracer
from app.wire.regexp.tree import Assertion, Choice, Group, Literal, Node, Repeat, Sequence

MATCHERS = 1024  # that are remembered


@dataclass(frozen=True, slots=True)
class _Plain:
    """An expression that is plain text."""

    text: str
    at_start: bool
    at_end: bool

    def search(self, subject: str) -> bool:
        if self.at_start:
            return subject == self.text if self.at_end else subject.startswith(self.text)
        return subject.endswith(self.text) if self.at_end else self.text in subject


class Matcher:
    """One expression; may be used by several threads."""

    __slots__ = ("_automaton", "_needed", "_plain", "_tracer", "size", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        items = _flat(parse_expression(text))
        program = compile_program(Sequence(tuple(_trimmed(items))))
        self.size = len(program.instructions)  # what one character can cost at most
        self._plain = _plain(items)
        self._needed = max(_runs(items), key=len, default="")
        self._automaton = Automaton(program)
        self._tracer: Tracer | None = None

    def search(self, subject: str) -> bool:
        """Whether the expression matches anywhere in `subject`."""
        if self._plain is not None:
            return self._plain.search(subject)
        return self._needed in subject and self._automaton.matches(subject)

    def find(self, subject: str, start: int = 0) -> Found | None:
        """The first match from the left at or behind `start`, of those the one that Go and Perl prefer."""
        if not self.search(subject):
            return None
        if self._tracer is None:
            self._tracer = Tracer(compile_program(parse_expression(self.text), with_groups=True))
        return self._tracer.find(subject, start)

    def find_all(self, subject: str) -> Iterator[Found]:
        """The matches from the left that do not overlap, as Go's FindAll has them: none is empty behind another."""
        at, last_end = 0, -1
        while at <= len(subject) and (found := self.find(subject, at)) is not None:
            if found.end > found.start or found.start != last_end:
                yield found
                last_end = found.end
            at = max(found.end, found.start + (found.end == found.start))

    def group_number(self, name: str) -> int | None:
        """The number of the group that is called so, if there is one."""
        return _named(parse_expression(self.text)).get(name)

    @property
    def steps(self) -> int:
        """Visits to instructions in all searches so far, for tests of growth."""
        return self._automaton.steps


@functools.lru_cache(maxsize=MATCHERS)
def compile_regexp(text: str) -> Matcher:
    """The matcher of an expression; raises WireError."""
    return Matcher(text)


def _named(node: Node) -> dict[str, int]:
    """The groups that have names, with their numbers."""
    inner: tuple[Node, ...] = ()
    if isinstance(node, Group | Repeat):
        inner = (node.item,)
    elif isinstance(node, Sequence | Choice):
        inner = node.items if isinstance(node, Sequence) else node.branches
    own = {node.name: node.number} if isinstance(node, Group) and node.name else {}
    return own | {name: number for item in inner for name, number in _named(item).items()}


def _flat(node: Node) -> list[Node]:
    """What follows one after the other on the outermost level."""
    if isinstance(node, Group):
        return _flat(node.item)
    if isinstance(node, Sequence):
        return [inner for item in node.items for inner in _flat(item)]
    return [node]


def _trimmed(items: list[Node]) -> list[Node]:
    """Without what may be missing at either end: a match with it is there when one without it is."""
    kept = list(itertools.dropwhile(_may_be_missing, items))
    return list(itertools.dropwhile(_may_be_missing, kept[::-1]))[::-1]


def _may_be_missing(node: Node) -> bool:
    return isinstance(node, Repeat) and node.least == 0


def _plain(items: list[Node]) -> _Plain | None:
    at_start = items[:1] == [Assertion.TEXT_START]
    at_end = items[-1:] == [Assertion.TEXT_END]
    inner = items[at_start : len(items) - at_end]
    if not all(isinstance(item, Literal) for item in inner):
        return None
    return _Plain("".join(item.char for item in inner if isinstance(item, Literal)), at_start, at_end)


def _runs(items: list[Node]) -> list[str]:
    """The runs of plain text that every match contains."""
    grouped = itertools.groupby(items, key=lambda item: isinstance(item, Literal))
    return ["".join(item.char for item in run if isinstance(item, Literal)) for is_text, run in grouped if is_text]
