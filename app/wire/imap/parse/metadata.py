"""GETMETADATA, SETMETADATA (RFC 5464) and quota commands (RFC 9208).

    getmetadata = "GETMETADATA" [SP options] SP mailbox SP entries      options = "(" option *(SP option) ")"
    setmetadata = "SETMETADATA" SP mailbox SP "(" entry SP value *(SP entry SP value) ")"

RFC 5464 shows the options after the mailbox too, so both places are read. The empty mailbox name means the server.
Entry names are kept in lower case, as case does not matter in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.tokens import ImapCursor, astring, keyword, nstring, number, parenthesized, space, text

MAX_ENTRIES: Final = 1000  # in one command; a mailbox has no more

MAX_ENTRY_BYTES: Final = 1000  # of a name

_ENTRY = re.compile(r"(?:/[^/*%\x00-\x1f\x7f-\U0010ffff]+)+")  # RFC 5464 §3.2
_SETTABLE = re.compile(r"/(?:private|shared)/(?!vendor(?:/[^/]+)?\Z)")  # a vendor's have four parts (§3.2.1)
_OPTIONS = re.compile(rb"\((?:MAXSIZE|DEPTH) ", re.IGNORECASE)
_DEPTHS: Final = {"0": 0, "1": 1, "INFINITY": None}


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """Bounds of an answer: the size of values, and how far below an entry to look (None: all the way)."""

    maxsize: int | None = None
    depth: int | None = 0


@dataclass(frozen=True, slots=True)
class GetmetadataCommand(Command):
    """Annotations of a mailbox, or of the server."""

    mailbox: str
    entries: tuple[str, ...]
    options: MetadataOptions = MetadataOptions()


@dataclass(frozen=True, slots=True)
class Annotation:
    """An entry and its value; None removes it."""

    entry: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class SetmetadataCommand(Command):
    """Change annotations, all or none."""

    mailbox: str
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class GetquotaCommand(Command):
    """Use and limit of a quota root."""

    root: str


@dataclass(frozen=True, slots=True)
class GetquotarootCommand(Command):
    """The quota roots of a mailbox, with their use and limits."""

    mailbox: str


def parse_getmetadata(cursor: ImapCursor, tag: str) -> GetmetadataCommand:
    """GETMETADATA [(options)] mailbox entries."""
    space(cursor)
    options = _parse_options(cursor)
    mailbox = parse_mailbox(cursor)
    space(cursor)
    options = options or _parse_options(cursor)
    return GetmetadataCommand(tag, mailbox, parse_entries(cursor), options or MetadataOptions())


def parse_entries(cursor: ImapCursor, limit: int = MAX_ENTRIES) -> tuple[str, ...]:
    """One entry, or several in parentheses, each once."""
    entries = (
        parenthesized(cursor, _parse_entry, "( and entries") if cursor.starts_with(b"(") else [_parse_entry(cursor)]
    )
    if not 0 < len(entries) <= limit:
        cursor.fail(f"1 to {limit} entries")
    return tuple(dict.fromkeys(entries))


def _parse_options(cursor: ImapCursor) -> MetadataOptions | None:
    """The options and the space after them, if they come next."""
    if not _OPTIONS.match(cursor.data, cursor.pos):
        return None
    maxsize = None
    depth: int | None = 0
    cursor.pos += 1
    while True:
        word = keyword(cursor, "MAXSIZE or DEPTH")
        space(cursor)
        if word == "MAXSIZE":
            maxsize = number(cursor, "a number of bytes")
        elif word == "DEPTH":
            depth = _parse_depth(cursor)
        else:
            cursor.fail("MAXSIZE or DEPTH")
        if cursor.take(b")"):
            break
        space(cursor)
    space(cursor)
    return MetadataOptions(maxsize, depth)


def _parse_depth(cursor: ImapCursor) -> int | None:
    word = keyword(cursor, "0, 1 or infinity")
    if word not in _DEPTHS:
        cursor.fail("0, 1 or infinity")
    return _DEPTHS[word]


def _parse_entry(cursor: ImapCursor) -> str:
    start = cursor.pos
    entry = text(astring(cursor, "an entry such as /private/comment"), "entry name").lower()
    if len(entry) > MAX_ENTRY_BYTES or not _ENTRY.fullmatch(entry):
        cursor.pos = start
        cursor.fail("an entry such as /private/comment")
    return entry


def parse_setmetadata(cursor: ImapCursor, tag: str) -> SetmetadataCommand:
    """SETMETADATA mailbox (entry value ...)."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    space(cursor)
    annotations = parenthesized(cursor, _parse_annotation, "( and entries with values")
    if not 0 < len(annotations) <= MAX_ENTRIES:
        cursor.fail(f"1 to {MAX_ENTRIES} entries with values")
    return SetmetadataCommand(tag, mailbox, tuple(annotations))


def _parse_annotation(cursor: ImapCursor) -> Annotation:
    start = cursor.pos
    entry = _parse_entry(cursor)
    if not _SETTABLE.match(entry):
        cursor.pos = start
        cursor.fail("an entry below /private or /shared, such as /private/comment or /shared/vendor/name/colour")
    space(cursor)
    return Annotation(entry, nstring(cursor))


def parse_getquota(cursor: ImapCursor, tag: str) -> GetquotaCommand:
    """GETQUOTA root."""
    space(cursor)
    return GetquotaCommand(tag, text(astring(cursor, "a quota root"), "quota root"))


def parse_getquotaroot(cursor: ImapCursor, tag: str) -> GetquotarootCommand:
    """GETQUOTAROOT mailbox."""
    space(cursor)
    return GetquotarootCommand(tag, parse_mailbox(cursor))
