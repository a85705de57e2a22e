"""APPEND, with several messages too, and REPLACE (RFC 9051 §6.3.12, RFC 3502, RFC 6855 §4, RFC 8508, RFC 4469).

    append         = "APPEND" SP mailbox 1*append-message
    replace        = "REPLACE" SP seq-number SP mailbox append-message
    append-message = [SP flag-list] [SP date-time] SP append-data
    append-data    = literal / literal8 / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
    cat-part       = "TEXT" SP literal / "URL" SP astring

Messages are handed on as they arrive, so these parsers end at the announcement of a literal or at the end of the
command: `parse_append` and `parse_replace` read up to the first literal, `parse_more` reads what stands between two or
after the last. They raise IncompleteLiteral when the announced literal is no data but a mailbox name or a URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.wire.imap.command import Command
from app.wire.imap.dates import parse_date_time
from app.wire.imap.flags import NO_FLAGS, FlagSet, parse_flags
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.sequence import STAR
from app.wire.imap.tokens import ImapCursor, astring, keyword, nz_number, space, text

_UTF8 = re.compile(rb"utf8 \(", re.IGNORECASE)
_CATENATE = re.compile(rb"catenate \(", re.IGNORECASE)
_MESSAGE = re.compile(rb"(~?)\{([0-9]{1,10})(\+?)\}\r\n\Z")
MAX_PARTS = 500  # of a message that is put together


@dataclass(frozen=True, slots=True)
class CatText:
    """A part of a message that the client sends."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class CatUrl:
    """A part of a message that is on the server."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendMessage:
    """One message that is announced: what is known before its first byte.

    A message that is put together has parts, and `size_bytes` is the size of the text that was announced last.
    """

    size_bytes: int
    flags: FlagSet = NO_FLAGS
    internaldate: int | None = None  # seconds since 1970
    is_binary: bool = False  # may hold NUL (RFC 3516)
    is_utf8: bool = False  # has UTF-8 in its header, inside UTF8 (...)
    is_synchronizing: bool = True  # the client waits for our leave
    parts: tuple[CatText | CatUrl, ...] = ()
    is_open: bool = False  # more parts may follow

    @property
    def sent_bytes(self) -> int:
        """What the client sends of it, as far as that is known."""
        return sum(part.size_bytes for part in self.parts if isinstance(part, CatText)) or self.size_bytes


@dataclass(frozen=True, slots=True)
class AppendCommand(Command):
    """Put messages into a mailbox, all or none."""

    mailbox: str
    messages: tuple[AppendMessage, ...]


@dataclass(frozen=True, slots=True)
class ReplaceCommand(Command):
    """Put a message into a mailbox in the place of one in the selected mailbox; there is one in `messages`."""

    uid: bool
    target: int  # sequence number or uid; STAR is the last
    mailbox: str
    messages: tuple[AppendMessage, ...]


def parse_append(cursor: ImapCursor, tag: str) -> AppendCommand:
    """APPEND up to its first literal."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    return AppendCommand(tag, mailbox, _parse_messages(cursor, [_parse_message(cursor)]))


def parse_replace(cursor: ImapCursor, tag: str, *, uid: bool = False) -> ReplaceCommand:
    """REPLACE up to its first literal."""
    space(cursor)
    target = STAR if cursor.take(b"*") else nz_number(cursor, "a uid" if uid else "a sequence number")
    space(cursor)
    mailbox = parse_mailbox(cursor)
    return ReplaceCommand(tag, uid, target, mailbox, (_parse_message(cursor),))


def parse_more(cursor: ImapCursor, messages: tuple[AppendMessage, ...]) -> tuple[AppendMessage, ...]:
    """What follows the data of the last literal: `messages` and what it adds to them, up to the next one or the end."""
    *before, last = messages
    if last.is_utf8:
        cursor.expect_bytes(b")", ") after the message")
    if last.is_open:
        last = _parse_parts(cursor, last)
    return _parse_messages(cursor, [*before, last])


def _parse_messages(cursor: ImapCursor, messages: list[AppendMessage]) -> tuple[AppendMessage, ...]:
    while not cursor.is_at_end:
        messages.append(_parse_message(cursor))
    return tuple(messages)


def _parse_parts(cursor: ImapCursor, message: AppendMessage) -> AppendMessage:
    """The parts of a message up to the announcement of a text, or to the end of them."""
    parts = list(message.parts)
    while not (parts and cursor.take(b")")):
        if parts:
            space(cursor)
        if len(parts) >= MAX_PARTS:
            cursor.fail(f"at most {MAX_PARTS} parts of a message")
        word = keyword(cursor, "TEXT or URL")
        space(cursor)
        if word == "TEXT":
            found = cursor.match(_MESSAGE)
            if found is None:
                cursor.fail("{size} and the text as a literal")
            size = int(found[2])
            parts.append(CatText(size))
            return replace(
                message,
                size_bytes=size,
                is_binary=message.is_binary or bool(found[1]),
                is_synchronizing=not found[3],
                parts=tuple(parts),
                is_open=True,
            )
        if word != "URL":
            cursor.fail("TEXT or URL")
        parts.append(CatUrl(text(astring(cursor, "a URL"), "a URL")))
    return replace(message, parts=tuple(parts), is_open=False)


def _parse_message(cursor: ImapCursor) -> AppendMessage:
    flags = NO_FLAGS
    internaldate = None
    space(cursor)
    if cursor.starts_with(b"("):
        flags = parse_flags(cursor)
        space(cursor)
    if cursor.starts_with(b'"'):
        internaldate = parse_date_time(cursor)
        space(cursor)
    if cursor.match(_CATENATE):
        return _parse_parts(cursor, AppendMessage(size_bytes=0, flags=flags, internaldate=internaldate))
    is_utf8 = cursor.match(_UTF8) is not None
    found = cursor.match(_MESSAGE)
    if found is None or (is_utf8 and not found[1]):
        cursor.fail("UTF8 (~{size} and the message" if is_utf8 else "{size} and the message as a literal")
    return AppendMessage(
        size_bytes=int(found[2]),
        flags=flags,
        internaldate=internaldate,
        is_binary=bool(found[1]),
        is_utf8=is_utf8,
        is_synchronizing=not found[3],
    )
