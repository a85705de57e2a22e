"""SORT and THREAD (RFC 5256 §3, RFC 5957, RFC 5267 §3).

sort   = "SORT" [SP "RETURN" SP options] SP "(" ["REVERSE" SP] key *(SP ...) ")" SP charset 1*(SP search-key)
thread = "THREAD" SP algorithm SP charset 1*(SP search-key)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.parse.search import Returns, parse_charset, parse_returns
from app.wire.imap.parse.searchkey import SearchKey, parse_keys
from app.wire.imap.tokens import ImapCursor, keyword, parenthesized, space

MAX_CRITERIA: Final = 16


class SortKey(Enum):
    """What messages are sorted by."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"


class ThreadAlgorithm(Enum):
    """How messages are gathered into threads."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A key, from the lowest value up or from the highest down."""

    key: SortKey
    is_reverse: bool = False


@dataclass(frozen=True, slots=True)
class SortCommand(Command):
    """Messages that match, in an order."""

    uid: bool
    criteria: tuple[Criterion, ...]
    key: SearchKey
    returns: Returns | None = None  # None is the old answer
    has_modseq: bool = False


@dataclass(frozen=True, slots=True)
class ThreadCommand(Command):
    """Messages that match, in threads."""

    uid: bool
    algorithm: ThreadAlgorithm
    key: SearchKey
    has_modseq: bool = False


def parse_sort(cursor: ImapCursor, tag: str, *, uid: bool = False) -> SortCommand:
    """SORT [RETURN (options)] (criteria) charset keys."""
    space(cursor)
    returns = parse_returns(cursor)
    criteria = parenthesized(cursor, _parse_criterion, "( and what to sort by")
    if not 0 < len(criteria) <= MAX_CRITERIA:
        cursor.fail(f"1 to {MAX_CRITERIA} things to sort by")
    space(cursor)
    charset = parse_charset(cursor, saves=returns is not None and returns.saves)
    space(cursor)
    key, has_modseq = parse_keys(cursor, charset)
    return SortCommand(tag, uid, tuple(criteria), key, returns, has_modseq)


def _parse_criterion(cursor: ImapCursor) -> Criterion:
    start = cursor.pos
    word = keyword(cursor, "what to sort by")
    is_reverse = word == "REVERSE"
    if is_reverse:
        space(cursor)
        word = keyword(cursor, "what to sort by")
    try:
        return Criterion(SortKey(word), is_reverse)
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(key.value for key in SortKey))


def parse_thread(cursor: ImapCursor, tag: str, *, uid: bool = False) -> ThreadCommand:
    """THREAD algorithm charset keys."""
    space(cursor)
    start = cursor.pos
    try:
        algorithm = ThreadAlgorithm(keyword(cursor, "how to thread"))
    except ValueError:
        cursor.pos = start
        cursor.fail("ORDEREDSUBJECT or REFERENCES")
    space(cursor)
    charset = parse_charset(cursor)
    space(cursor)
    key, has_modseq = parse_keys(cursor, charset)
    return ThreadCommand(tag, uid, algorithm, key, has_modseq)
