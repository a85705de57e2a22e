"""ESEARCH: a search in several mailboxes, whatever is selected (RFC 7377).

esearch = "ESEARCH" [SP "IN" SP "(" filter *(SP filter) ")"] [SP "RETURN" SP options] SP ["CHARSET" SP charset SP] keys
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.parse.mailboxfilter import FilterKind, MailboxFilter, parse_filter
from app.wire.imap.parse.search import Returns, parse_program, parse_returns
from app.wire.imap.parse.searchkey import SearchKey
from app.wire.imap.tokens import ImapCursor, parenthesized, space

MAX_SOURCES: Final = 100

_IN = re.compile(rb"IN ", re.IGNORECASE)
_SELECTED: Final[tuple[MailboxFilter, ...]] = (MailboxFilter(FilterKind.SELECTED),)


@dataclass(frozen=True, slots=True)
class EsearchCommand(Command):
    """Which messages of these mailboxes match."""

    sources: tuple[MailboxFilter, ...]
    key: SearchKey
    returns: Returns | None = None
    has_modseq: bool = False
    has_charset: bool = False


def parse_esearch(cursor: ImapCursor, tag: str) -> EsearchCommand:
    """ESEARCH [IN (mailboxes)] [RETURN (options)] [CHARSET name] keys."""
    space(cursor)
    sources = _SELECTED
    if cursor.match(_IN):
        sources = tuple(parenthesized(cursor, _parse_source, "( and mailboxes to search"))
        if not 0 < len(sources) <= MAX_SOURCES:
            cursor.fail(f"1 to {MAX_SOURCES} kinds of mailboxes")
        space(cursor)
    returns = parse_returns(cursor)
    program = parse_program(cursor, saves=returns is not None and returns.saves)
    return EsearchCommand(tag, sources, program.key, returns, program.has_modseq, program.has_charset)


def _parse_source(cursor: ImapCursor) -> MailboxFilter:
    start = cursor.pos
    source = parse_filter(cursor)
    if source.kind is FilterKind.SELECTED_DELAYED:
        cursor.pos = start
        cursor.fail("SELECTED, as nothing is delayed in a search")
    return source
