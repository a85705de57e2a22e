"""APPEND, with several messages too, and REPLACE (RFC 9051 §6.3.12, RFC 3502, RFC 6855 §4, RFC 8508).

    append         = "APPEND" SP mailbox 1*append-message
    replace        = "REPLACE" SP seq-number SP mailbox append-message
    append-message = [SP flag-list] [SP date-time] SP append-data
    append-data    = literal / literal8 / "UTF8" SP "(" literal8 ")"

Messages are handed on as they arrive, so these parsers end at the announcement of a literal: `parse_append` and
`parse_replace` at that of the first message, `parse_next` reads what stands between two messages or after the last.
They raise IncompleteLiteral when the announced literal is not a message but a mailbox name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.wire.imap.command import Command
from app.wire.imap.dates import parse_date_time
from app.wire.imap.flags import NO_FLAGS, FlagSet, parse_flags
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.sequence import STAR
from app.wire.imap.tokens import ImapCursor, nz_number, space

_UTF8 = re.compile(rb"utf8 \(", re.IGNORECASE)
_MESSAGE = re.compile(rb"(~?)\{([0-9]{1,10})(\+?)\}\r\n\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendMessage:
    """One message that is announced: what is known before its first byte."""

    size_bytes: int
    flags: FlagSet = NO_FLAGS
    internaldate: int | None = None  # seconds since 1970
    is_binary: bool = False  # may hold NUL (RFC 3516)
    is_utf8: bool = False  # has UTF-8 in its header, inside UTF8 (...)
    is_synchronizing: bool = True  # the client waits for our leave


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
    """APPEND up to its first message."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    return AppendCommand(tag, mailbox, (_parse_message(cursor),))


def parse_replace(cursor: ImapCursor, tag: str, *, uid: bool = False) -> ReplaceCommand:
    """REPLACE up to its message."""
    space(cursor)
    target = STAR if cursor.take(b"*") else nz_number(cursor, "a uid" if uid else "a sequence number")
    space(cursor)
    mailbox = parse_mailbox(cursor)
    return ReplaceCommand(tag, uid, target, mailbox, (_parse_message(cursor),))


def parse_next(cursor: ImapCursor, last: AppendMessage) -> AppendMessage | None:
    """What follows the data of `last`: the announcement of another message, or None at the end."""
    if last.is_utf8:
        cursor.expect_bytes(b")", ") after the message")
    return None if cursor.is_at_end else _parse_message(cursor)


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
