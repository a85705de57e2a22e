"""LIST, plain and extended, and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 9590).

list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
list-select-opts = "(" [option *(SP option)] ")"          list-return-opts = "RETURN" SP "(" [option *(SP option)] ")"
mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox, parse_pattern
from app.wire.imap.parse.mailbox import StatusItem, parse_status_items
from app.wire.imap.parse.metadata import parse_entries
from app.wire.imap.tokens import ImapCursor, keyword, parenthesized, space

MAX_PATTERNS: Final = 50  # every mailbox is held against every one
MAX_METADATA_ENTRIES: Final = 50  # told for every mailbox


class SelectOption(Enum):
    """Which names LIST is about."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ReturnOption(Enum):
    """What LIST says about each name."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"
    STATUS = "STATUS"
    METADATA = "METADATA"


@dataclass(frozen=True, slots=True)
class ListCommand(Command):
    """Names that match one of the patterns, and what is asked about them."""

    reference: str
    patterns: tuple[str, ...]
    is_extended: bool = False  # anything that RFC 3501 does not have
    select: frozenset[SelectOption] = frozenset()
    returns: frozenset[ReturnOption] = frozenset()
    status_items: tuple[StatusItem, ...] = ()
    metadata_entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LsubCommand(Command):
    """Subscribed names that match the pattern (RFC 3501 §6.3.9)."""

    reference: str
    pattern: str


@dataclass(slots=True)
class _Returns:
    """Return options as they are collected."""

    options: set[ReturnOption] = field(default_factory=set)
    status_items: tuple[StatusItem, ...] = ()
    metadata_entries: tuple[str, ...] = ()


def parse_list(cursor: ImapCursor, tag: str) -> ListCommand:
    """LIST [(selection)] reference patterns [RETURN (options)]."""
    space(cursor)
    select: frozenset[SelectOption] = frozenset()
    if is_extended := cursor.starts_with(b"("):
        select = _parse_select(cursor)
        space(cursor)
    reference = parse_mailbox(cursor)
    space(cursor)
    if cursor.starts_with(b"("):
        is_extended = True
        patterns = parenthesized(cursor, parse_pattern, "( and patterns")
        if not 0 < len(patterns) <= MAX_PATTERNS:
            cursor.fail(f"1 to {MAX_PATTERNS} patterns")
    else:
        patterns = [parse_pattern(cursor)]
    returns = _Returns()
    if cursor.take(b" "):
        is_extended = True
        _parse_returns(cursor, returns)
    return ListCommand(
        tag,
        reference,
        tuple(patterns),
        is_extended,
        select,
        frozenset(returns.options),
        returns.status_items,
        returns.metadata_entries,
    )


def _parse_select(cursor: ImapCursor) -> frozenset[SelectOption]:
    options = frozenset(parenthesized(cursor, _parse_select_option, "( and selection options"))
    # RECURSIVEMATCH says how to apply another selection (RFC 5258 §3.1).
    if SelectOption.RECURSIVEMATCH in options and not options & {SelectOption.SUBSCRIBED, SelectOption.SPECIAL_USE}:
        cursor.fail("SUBSCRIBED or SPECIAL-USE with RECURSIVEMATCH")
    return options


def _parse_select_option(cursor: ImapCursor) -> SelectOption:
    start = cursor.pos
    try:
        return SelectOption(keyword(cursor, "a selection option"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(option.value for option in SelectOption))


def _parse_returns(cursor: ImapCursor, returns: _Returns) -> None:
    if keyword(cursor, "RETURN") != "RETURN":
        cursor.fail("RETURN and options")
    space(cursor)
    parenthesized(cursor, lambda inner: _parse_return(inner, returns), "( and return options")


def _parse_return(cursor: ImapCursor, returns: _Returns) -> None:
    start = cursor.pos
    try:
        option = ReturnOption(keyword(cursor, "a return option"))
    except ValueError:
        cursor.pos = start
        cursor.fail("one of " + " ".join(option.value for option in ReturnOption))
    returns.options.add(option)
    if option is ReturnOption.STATUS:
        space(cursor)
        returns.status_items = parse_status_items(cursor)
    elif option is ReturnOption.METADATA:
        space(cursor)
        returns.metadata_entries = parse_entries(cursor, MAX_METADATA_ENTRIES)


def parse_lsub(cursor: ImapCursor, tag: str) -> LsubCommand:
    """LSUB reference pattern."""
    space(cursor)
    reference = parse_mailbox(cursor)
    space(cursor)
    return LsubCommand(tag, reference, parse_pattern(cursor))
