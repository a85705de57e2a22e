"""What a regular expression says, as a tree of values; groups keep their numbers, which are counted from 1."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.wire.regexp.characters import CharClass


class Assertion(enum.Enum):
    """A condition on a place between two characters."""

    TEXT_START = r"\A"
    TEXT_END = r"\z"
    LINE_START = "(?m:^)"
    LINE_END = "(?m:$)"
    WORD_BOUNDARY = r"\b"
    NO_WORD_BOUNDARY = r"\B"


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly this character."""

    char: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any one character of a class."""

    chars: CharClass


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; nothing at all when there are no items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, the first preferred."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`item` from `least` to `most` times."""

    item: Node
    least: int
    most: int | None  # None: any number
    is_greedy: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A group in parentheses that remembers what it matched."""

    item: Node
    number: int
    name: str = ""


Node = Literal | OneOf | Sequence | Choice | Repeat | Group | Assertion
