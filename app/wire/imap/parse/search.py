"""SEARCH: its options and charset (RFC 9051 §6.4.4, RFC 4731, RFC 5182); the keys are in `searchkey.py`.

    search = "SEARCH" [SP "RETURN" SP "(" [option *(SP option)] ")"] SP ["CHARSET" SP charset SP] key *(SP key)

Text is UTF-8, or US-ASCII where the client says so; another charset raises BadCharset, which is a NO and not a BAD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.parse.searchkey import SearchKey, parse_keys
from app.wire.imap.tokens import ImapCursor, astring, keyword, parenthesized, space

_RETURN = re.compile(rb"RETURN ", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
class SearchCommand(Command):
    """Which messages match."""

    uid: bool
    key: SearchKey
    returns: frozenset[SearchReturn] | None = None  # None is a search without RETURN; RETURN () is ALL
    has_modseq: bool = False  # a key is MODSEQ, so the response tells the highest
    has_charset: bool = False


def parse_search(cursor: ImapCursor, tag: str, *, uid: bool = False) -> SearchCommand:
    """SEARCH [RETURN (options)] [CHARSET name] keys."""
    space(cursor)
    returns = None
    if cursor.match(_RETURN):
        options = parenthesized(cursor, _parse_return, "( and what to return")
        returns = frozenset(options or (SearchReturn.ALL,))
        space(cursor)
    charset = None
    if cursor.match(_CHARSET):
        try:
            charset = _parse_charset(cursor)
        except BadCharset as error:
            error.saves = SearchReturn.SAVE in (returns or ())
            raise
        space(cursor)
    key, has_modseq = parse_keys(cursor, charset or "utf-8")
    return SearchCommand(tag, uid, key, returns, has_modseq, charset is not None)


def _parse_return(cursor: ImapCursor) -> SearchReturn:
    start = cursor.pos
    try:
        return SearchReturn(keyword(cursor, "what to return"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(option.value for option in SearchReturn))


def _parse_charset(cursor: ImapCursor) -> str:
    name = astring(cursor, "a charset").upper()
    if name == b"UTF-8":
        return "utf-8"
    if name in (b"US-ASCII", b"ASCII"):
        return "ascii"
    raise BadCharset("text to search for must be in UTF-8 or US-ASCII", cursor.pos)
