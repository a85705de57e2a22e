"""SEARCH: its options and charset (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 9394); the keys are in `searchkey.py`.

    search = "SEARCH" [SP "RETURN" SP "(" [option *(SP option)] ")"] SP ["CHARSET" SP charset SP] key *(SP key)
    update = "UPDATE" [[SP] "(" fetch-att *(SP fetch-att) ")"]              RFC 5267 §5, RFC 5465 §8
    cancelupdate = "CANCELUPDATE" 1*(SP quoted)

Text is UTF-8, or US-ASCII where the client says so; another charset raises BadCharset, which is a NO and not a BAD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.parse.fetch import FetchItem, parse_item
from app.wire.imap.parse.partial import PartialRange, parse_partial
from app.wire.imap.parse.searchkey import SearchKey, parse_keys
from app.wire.imap.tokens import ImapCursor, astring, keyword, parenthesized, space, string

_RETURN = re.compile(rb"RETURN ", re.IGNORECASE)
_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)
_ITEMS_FOLLOW = re.compile(rb" ?(?=\()")

MAX_ITEMS: Final = 50  # that are fetched of every new message


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
    UPDATE = "UPDATE"  # not now, but whenever the result changes
    CONTEXT = "CONTEXT"  # a hint that the same will be asked again


@dataclass(frozen=True, slots=True)
class Returns:
    """What is to be returned, the page that PARTIAL means, and what UPDATE is to fetch of new messages."""

    options: frozenset[SearchReturn]
    partial: PartialRange | None = None
    update_items: tuple[FetchItem, ...] = ()

    @property
    def saves(self) -> bool:
        """Whether the result is to be kept as `$`."""
        return SearchReturn.SAVE in self.options

    @property
    def updates(self) -> bool:
        """Whether changes of the result are to be told."""
        return SearchReturn.UPDATE in self.options


@dataclass(frozen=True, slots=True)
class SearchCommand(Command):
    """Which messages match."""

    uid: bool
    key: SearchKey
    returns: Returns | None = None  # None is a search without RETURN; RETURN () is ALL
    has_modseq: bool = False  # a key is MODSEQ, so the response tells the highest
    has_charset: bool = False


@dataclass(frozen=True, slots=True)
class CancelupdateCommand(Command):
    """Tell no more changes of these results (RFC 5267 §4.3.5)."""

    tags: tuple[str, ...]


def parse_search(cursor: ImapCursor, tag: str, *, uid: bool = False) -> SearchCommand:
    """SEARCH [RETURN (options)] [CHARSET name] keys."""
    space(cursor)
    returns = parse_returns(cursor)
    program = parse_program(cursor, saves=returns is not None and returns.saves)
    return SearchCommand(tag, uid, program.key, returns, program.has_modseq, program.has_charset)


@dataclass(frozen=True, slots=True)
class SearchProgram:
    """What to search for, and what was said on the way."""

    key: SearchKey
    has_modseq: bool
    has_charset: bool


def parse_program(cursor: ImapCursor, *, saves: bool) -> SearchProgram:
    """[CHARSET name] keys; `saves` is whether the search would save its result."""
    charset = None
    if cursor.match(_CHARSET):
        charset = parse_charset(cursor, saves=saves)
        space(cursor)
    key, has_modseq = parse_keys(cursor, charset or "utf-8")
    return SearchProgram(key, has_modseq, charset is not None)


def parse_returns(cursor: ImapCursor) -> Returns | None:
    """`RETURN (options) `, when it comes next."""
    if not cursor.match(_RETURN):
        return None
    start = cursor.pos
    read = parenthesized(cursor, _parse_return, "( and what to return")
    pages = [one.partial for one in read if one.partial is not None]
    options = frozenset().union(*(one.options for one in read)) or frozenset({SearchReturn.ALL})
    if len(pages) > 1 or (pages and SearchReturn.ALL in options):  # RFC 9394 §3.1
        cursor.pos = start
        cursor.fail("one PARTIAL, and not with ALL")
    space(cursor)
    items = tuple(dict.fromkeys(item for one in read for item in one.update_items))
    return Returns(options, pages[0] if pages else None, items)


def _parse_return(cursor: ImapCursor) -> Returns:
    """One option, as the only one."""
    start = cursor.pos
    try:
        option = SearchReturn(keyword(cursor, "what to return"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(option.value for option in SearchReturn))
    options = frozenset({option})
    if option is SearchReturn.PARTIAL:
        space(cursor)
        return Returns(options, parse_partial(cursor))
    if option is SearchReturn.UPDATE and cursor.match(_ITEMS_FOLLOW):
        return Returns(options, update_items=parse_items(cursor))
    return Returns(options)


def parse_items(cursor: ImapCursor) -> tuple[FetchItem, ...]:
    """What to fetch of messages to come, in parentheses (RFC 5465 §8)."""
    items = tuple(dict.fromkeys(parenthesized(cursor, parse_item, "( and items to fetch")))
    if not 0 < len(items) <= MAX_ITEMS:
        cursor.fail(f"1 to {MAX_ITEMS} items to fetch")
    return items


def parse_cancelupdate(cursor: ImapCursor, tag: str) -> CancelupdateCommand:
    """CANCELUPDATE tags in quotes."""
    tags: list[str] = []
    while cursor.take(b" "):
        tags.append(string(cursor, "a tag in quotes").decode("ascii", "replace"))
    if not tags:
        cursor.fail("a tag in quotes")
    return CancelupdateCommand(tag, tuple(tags))


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
