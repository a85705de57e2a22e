"""SEARCH: its options and charset (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 9394); the keys are in `searchkey.py`.

    search  = "SEARCH" [SP "RETURN" SP "(" [option *(SP option)] ")"] SP ["CHARSET" SP charset SP] key *(SP key)
    partial = "PARTIAL" SP (nz-number ":" nz-number / "-" nz-number ":-" nz-number)

Text is UTF-8, or US-ASCII where the client says so; another charset raises BadCharset, which is a NO and not a BAD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.parse.searchkey import SearchKey, parse_keys
from app.wire.imap.tokens import MAX_NUMBER, ImapCursor, astring, keyword, parenthesized, space

_RETURN = re.compile(rb"RETURN ", re.IGNORECASE)
_RANGE = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})(?![0-9])")
_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)


class BadCharset(ImapSyntaxError):
    """The client's text is in a charset we do not read; the answer is NO [BADCHARSET ...]."""

    saves = False  # the search would have saved its result, which is now empty (RFC 5182 §2.1)


class SearchReturn(Enum):
    """What an ESEARCH response is to say."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True, slots=True)
class PartialRange:
    """A page of a result: from one place to another, both counted from 1, or from the end when they are negative."""

    text: str  # as the client wrote it
    low: int
    high: int
    is_from_end: bool = False

    def places(self, count: int) -> slice:
        """The page as a slice of a result of that many."""
        if self.is_from_end:
            return slice(max(count - self.high, 0), max(count - self.low + 1, 0))
        return slice(self.low - 1, self.high)


@dataclass(frozen=True, slots=True)
class Returns:
    """What is to be returned, and the page that PARTIAL means."""

    options: frozenset[SearchReturn]
    partial: PartialRange | None = None

    @property
    def saves(self) -> bool:
        """Whether the result is to be kept as `$`."""
        return SearchReturn.SAVE in self.options


@dataclass(frozen=True, slots=True)
class SearchCommand(Command):
    """Which messages match."""

    uid: bool
    key: SearchKey
    returns: Returns | None = None  # None is a search without RETURN; RETURN () is ALL
    has_modseq: bool = False  # a key is MODSEQ, so the response tells the highest
    has_charset: bool = False


def parse_search(cursor: ImapCursor, tag: str, *, uid: bool = False) -> SearchCommand:
    """SEARCH [RETURN (options)] [CHARSET name] keys."""
    space(cursor)
    returns = parse_returns(cursor)
    charset = None
    if cursor.match(_CHARSET):
        charset = parse_charset(cursor, saves=returns is not None and returns.saves)
        space(cursor)
    key, has_modseq = parse_keys(cursor, charset or "utf-8")
    return SearchCommand(tag, uid, key, returns, has_modseq, charset is not None)


def parse_returns(cursor: ImapCursor) -> Returns | None:
    """`RETURN (options) `, when it comes next."""
    if not cursor.match(_RETURN):
        return None
    start = cursor.pos
    read = parenthesized(cursor, _parse_return, "( and what to return")
    pages = [page for _, page in read if page is not None]
    options = frozenset(option for option, _ in read) or frozenset({SearchReturn.ALL})
    if len(pages) > 1 or (pages and SearchReturn.ALL in options):  # RFC 9394 §3.1
        cursor.pos = start
        cursor.fail("one PARTIAL, and not with ALL")
    space(cursor)
    return Returns(options, pages[0] if pages else None)


def _parse_return(cursor: ImapCursor) -> tuple[SearchReturn, PartialRange | None]:
    start = cursor.pos
    try:
        option = SearchReturn(keyword(cursor, "what to return"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(option.value for option in SearchReturn))
    if option is not SearchReturn.PARTIAL:
        return option, None
    space(cursor)
    return option, parse_partial(cursor)


def parse_partial(cursor: ImapCursor) -> PartialRange:
    """A range such as 1:100, or -1:-100 for the last hundred (RFC 9394 §3.1)."""
    start = cursor.pos
    found = cursor.match(_RANGE)
    if found is None or found[1] != found[3] or max(int(found[2]), int(found[4])) > MAX_NUMBER:
        cursor.pos = start
        cursor.fail("a range such as 1:100 or -1:-100")
    low, high = sorted((int(found[2]), int(found[4])))
    return PartialRange(found[0].decode("ascii"), low, high, found[1] == b"-")


def parse_charset(cursor: ImapCursor, *, saves: bool = False) -> str:
    """The charset of texts; `saves` is whether the search would have saved its result."""
    name = astring(cursor, "a charset").upper()
    if name == b"UTF-8":
        return "utf-8"
    if name in (b"US-ASCII", b"ASCII"):
        return "ascii"
    error = BadCharset("text to search for must be in UTF-8 or US-ASCII", cursor.pos)
    error.saves = saves
    raise error
