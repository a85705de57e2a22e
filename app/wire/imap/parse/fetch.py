"""FETCH: items, sections, partials, modifiers (RFC 9051 §6.4.5, RFC 7162 §3.1.4).

BINARY is RFC 3516, SAVEDATE RFC 8514, PREVIEW RFC 8970, EMAILID and THREADID RFC 8474, the
modifier PARTIAL RFC 9394 §3.4.

    fetch     = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / item / "(" item *(SP item) ")") [SP modifiers]
    section   = "[" [part ["." ("HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT" / "MIME")]] "]"
    partial   = "<" number "." nz-number ">"            modifiers = "(" "CHANGEDSINCE" SP modseq [SP "VANISHED"] ")"

Clients ask for the same items again and again, so what stands after the messages is parsed once and remembered. An item
carries the label under which the response gives it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.parse.partial import PartialRange, parse_partial
from app.wire.imap.sequence import SequenceSet, parse_set
from app.wire.imap.tokens import ImapCursor, astring, keyword, number64, nz_number, parenthesized, space, write_astring

MAX_REMEMBERED: Final = 512  # bytes of items; longer ones are rare
MAX_PART_DEPTH: Final = 100  # levels; a part tree has no more
MAX_FIELDS: Final = 200  # names in HEADER.FIELDS

_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9.]*")
_PART = re.compile(rb"[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*")
_SECTION_TEXT = re.compile(rb"HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME", re.IGNORECASE)
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)


class Attribute(Enum):
    """What can be fetched. BODY without a section is the structure without its extensions."""

    FLAGS = "FLAGS"
    UID = "UID"
    INTERNALDATE = "INTERNALDATE"
    ENVELOPE = "ENVELOPE"
    BODYSTRUCTURE = "BODYSTRUCTURE"
    BODY = "BODY"
    BODY_SECTION = "BODY[]"
    BINARY = "BINARY[]"
    BINARY_SIZE = "BINARY.SIZE"
    RFC822 = "RFC822"
    RFC822_HEADER = "RFC822.HEADER"
    RFC822_SIZE = "RFC822.SIZE"
    RFC822_TEXT = "RFC822.TEXT"
    MODSEQ = "MODSEQ"
    SAVEDATE = "SAVEDATE"
    PREVIEW = "PREVIEW"
    EMAILID = "EMAILID"
    THREADID = "THREADID"


class SectionText(Enum):
    """Which text of a message or part a section means."""

    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A place in a message: a part by its numbers, or the message itself; all of it, or the named text."""

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[str, ...] = ()  # as the client wrote them


@dataclass(frozen=True, slots=True)
class Partial:
    """A stretch of bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FetchItem:
    """One thing to fetch of each message."""

    attribute: Attribute
    label: bytes  # its name in the response
    section: Section | None = None
    partial: Partial | None = None
    sets_seen: bool = False  # fetching it sets \\Seen
    is_lazy: bool = False  # PREVIEW only if it is at hand


@dataclass(frozen=True, slots=True)
class FetchCommand(Command):
    """Data of messages."""

    uid: bool
    sequence: SequenceSet
    items: tuple[FetchItem, ...]
    changedsince: int | None = None
    vanished: bool = False  # also which uids went since then
    page: PartialRange | None = None  # which of the messages that are left


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What follows the messages."""

    items: tuple[FetchItem, ...]
    changedsince: int | None = None
    vanished: bool = False
    page: PartialRange | None = None


_READING: Final = (Attribute.RFC822, Attribute.RFC822_TEXT)
_PLAIN: Final = {
    attribute.value: FetchItem(attribute, attribute.value.encode("ascii"), sets_seen=attribute in _READING)
    for attribute in Attribute
    if attribute not in (Attribute.BODY_SECTION, Attribute.BINARY, Attribute.BINARY_SIZE)
}
_FAST: Final = tuple(_PLAIN[name] for name in ("FLAGS", "INTERNALDATE", "RFC822.SIZE"))
_MACROS: Final = {
    "FAST": _FAST,
    "ALL": (*_FAST, _PLAIN["ENVELOPE"]),
    "FULL": (*_FAST, _PLAIN["ENVELOPE"], _PLAIN["BODY"]),
}
_SECTIONED: Final = {
    "BODY": (Attribute.BODY_SECTION, True),
    "BODY.PEEK": (Attribute.BODY_SECTION, False),
    "BINARY": (Attribute.BINARY, True),
    "BINARY.PEEK": (Attribute.BINARY, False),
    "BINARY.SIZE": (Attribute.BINARY_SIZE, False),
}


def parse_fetch(cursor: ImapCursor, tag: str, *, uid: bool = False) -> FetchCommand:
    """FETCH messages items [modifiers]."""
    space(cursor)
    sequence = parse_set(cursor)
    space(cursor)
    wanted = _parse_wanted(cursor)
    if wanted.vanished and not uid:  # RFC 7162 §3.2.6
        cursor.fail("VANISHED only in UID FETCH")
    return FetchCommand(tag, uid, sequence, wanted.items, wanted.changedsince, wanted.vanished, wanted.page)


def _parse_wanted(cursor: ImapCursor) -> _Wanted:
    raw = cursor.data[cursor.pos :]
    if len(raw) <= MAX_REMEMBERED:
        try:
            wanted = _remembered(raw)
        except ImapSyntaxError:
            pass  # once more below, for the right position
        else:
            cursor.pos = len(cursor.data)
            return wanted
    return _read_wanted(cursor)


@lru_cache(1024)
def _remembered(raw: bytes) -> _Wanted:
    cursor = ImapCursor(raw)
    wanted = _read_wanted(cursor)
    cursor.expect_end()
    return wanted


def _read_wanted(cursor: ImapCursor) -> _Wanted:
    if cursor.starts_with(b"("):
        items = tuple(dict.fromkeys(parenthesized(cursor, parse_item, "items to fetch")))
        if not items:
            cursor.fail("at least one item to fetch")
    else:
        items = _parse_macro(cursor) or (parse_item(cursor),)
    if cursor.take(b" "):
        return _parse_modifiers(cursor, items)
    return _Wanted(items)


def _parse_macro(cursor: ImapCursor) -> tuple[FetchItem, ...] | None:
    start = cursor.pos
    word = cursor.expect(_WORD, "an item to fetch").decode("ascii").upper()
    if (items := _MACROS.get(word)) is None:
        cursor.pos = start
    return items


def _parse_modifiers(cursor: ImapCursor, items: tuple[FetchItem, ...]) -> _Wanted:
    changedsince, page = None, None
    vanished = False
    cursor.expect_bytes(b"(", "( and modifiers")
    while True:
        word = keyword(cursor, "CHANGEDSINCE, VANISHED or PARTIAL")
        if word == "CHANGEDSINCE" and changedsince is None:
            space(cursor)
            changedsince = number64(cursor, "a modseq")
        elif word == "VANISHED" and not vanished:
            vanished = True
        elif word == "PARTIAL" and page is None:
            space(cursor)
            page = parse_partial(cursor)
        else:
            cursor.fail("CHANGEDSINCE, VANISHED and PARTIAL, each once")
        if cursor.take(b")"):
            break
        space(cursor)
    if vanished and changedsince is None:  # RFC 7162 §3.2.6
        cursor.fail("CHANGEDSINCE with VANISHED")
    return _Wanted(items, changedsince, vanished, page)


def parse_item(cursor: ImapCursor) -> FetchItem:
    """One item."""
    start = cursor.pos
    word = cursor.expect(_WORD, "an item to fetch").decode("ascii").upper()
    if cursor.starts_with(b"[") and word in _SECTIONED:
        return _parse_sectioned(cursor, word)
    item = _PLAIN.get(word)
    if item is None:
        cursor.pos = start
        cursor.fail("an item to fetch such as FLAGS or BODY.PEEK[HEADER]")
    if item.attribute is Attribute.PREVIEW and cursor.match(_LAZY):
        return FetchItem(Attribute.PREVIEW, item.label, is_lazy=True)
    return item


def _parse_sectioned(cursor: ImapCursor, word: str) -> FetchItem:
    attribute, sets_seen = _SECTIONED[word]
    section = parse_section(cursor, has_text=attribute is Attribute.BODY_SECTION)
    partial = None
    if attribute is not Attribute.BINARY_SIZE and cursor.take(b"<"):
        partial = _parse_partial(cursor)
    name = word.removesuffix(".PEEK").encode("ascii")
    origin = b"<%d>" % partial.offset if partial else b""
    return FetchItem(attribute, name + _write_section(section) + origin, section, partial, sets_seen)


def _parse_partial(cursor: ImapCursor) -> Partial:
    offset = number64(cursor, "the number of the first byte")
    cursor.expect_bytes(b".", ". and a length")
    length = nz_number(cursor, "a length")
    cursor.expect_bytes(b">", ">")
    return Partial(offset, length)


def parse_section(cursor: ImapCursor, *, has_text: bool) -> Section:
    """A section in brackets; only a part number where there is no text."""
    cursor.expect_bytes(b"[", "[")
    part: tuple[int, ...] = ()
    if found := cursor.match(_PART):
        part = tuple(map(int, found[0].split(b".")))
        if len(part) > MAX_PART_DEPTH:
            cursor.fail(f"at most {MAX_PART_DEPTH} numbers of a part")
    section = Section(part)
    if has_text and not cursor.starts_with(b"]"):
        if part:
            cursor.expect_bytes(b".", ". or ]")
        section = _parse_section_text(cursor, part)
    cursor.expect_bytes(b"]", "] after the section")
    return section


def _parse_section_text(cursor: ImapCursor, part: tuple[int, ...]) -> Section:
    text = SectionText(cursor.expect(_SECTION_TEXT, "a part number, HEADER, TEXT or MIME").decode("ascii").upper())
    if text is SectionText.MIME and not part:
        cursor.fail("a part number before MIME")
    if text not in (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT):
        return Section(part, text)
    space(cursor)
    fields = parenthesized(cursor, _parse_field, "( and names of fields")
    if not 0 < len(fields) <= MAX_FIELDS:
        cursor.fail(f"1 to {MAX_FIELDS} names of fields")
    return Section(part, text, tuple(fields))


def _parse_field(cursor: ImapCursor) -> str:
    # Not checked against RFC 5322: a name that no message has is simply not found.
    return astring(cursor, "the name of a field").decode("utf-8", "replace")


def _write_section(section: Section) -> bytes:
    words = [".".join(map(str, section.part))] if section.part else []
    if section.text:
        words.append(section.text.value)
    path = ".".join(words).encode("ascii")
    if not section.fields:
        return b"[%b]" % path
    return b"[%b (%b)]" % (path, b" ".join(write_astring(name.encode("utf-8")) for name in section.fields))
