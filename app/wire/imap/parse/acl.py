"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3).

    setacl     = "SETACL" SP mailbox SP identifier SP ["+" / "-"] rights
    deleteacl  = "DELETEACL" SP mailbox SP identifier       listrights = "LISTRIGHTS" SP mailbox SP identifier
    getacl     = "GETACL" SP mailbox                        myrights   = "MYRIGHTS" SP mailbox

An identifier leaves here as it was sent, in NFC; what it names, and whether one that begins with "-" can be had, is for
the server to know.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.rights import Right, read_rights
from app.wire.imap.tokens import ImapCursor, astring, space, text

MAX_IDENTIFIER: Final = 320  # bytes; an address has no more


class RightsMode(Enum):
    """What SETACL does with the rights that are there."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class SetaclCommand(Command):
    """Give somebody rights on a mailbox, or take them away."""

    mailbox: str
    identifier: str
    mode: RightsMode
    rights: Right


@dataclass(frozen=True, slots=True)
class DeleteaclCommand(Command):
    """Take all rights away from somebody."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class GetaclCommand(Command):
    """Who has which rights on a mailbox."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class ListrightsCommand(Command):
    """Which rights somebody can be given."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class MyrightsCommand(Command):
    """Which rights the client has."""

    mailbox: str


def parse_setacl(cursor: ImapCursor, tag: str) -> SetaclCommand:
    """SETACL mailbox identifier [+/-]rights."""
    mailbox, identifier = _parse_mailbox(cursor), _parse_identifier(cursor)
    space(cursor)
    letters = text(astring(cursor, "rights such as lrs"), "rights")
    sign = letters[:1] if letters[:1] in ("+", "-") else ""
    return SetaclCommand(tag, mailbox, identifier, RightsMode(sign), read_rights(letters[len(sign) :]))


def parse_deleteacl(cursor: ImapCursor, tag: str) -> DeleteaclCommand:
    """DELETEACL mailbox identifier."""
    return DeleteaclCommand(tag, _parse_mailbox(cursor), _parse_identifier(cursor))


def parse_getacl(cursor: ImapCursor, tag: str) -> GetaclCommand:
    """GETACL mailbox."""
    return GetaclCommand(tag, _parse_mailbox(cursor))


def parse_listrights(cursor: ImapCursor, tag: str) -> ListrightsCommand:
    """LISTRIGHTS mailbox identifier."""
    return ListrightsCommand(tag, _parse_mailbox(cursor), _parse_identifier(cursor))


def parse_myrights(cursor: ImapCursor, tag: str) -> MyrightsCommand:
    """MYRIGHTS mailbox."""
    return MyrightsCommand(tag, _parse_mailbox(cursor))


def _parse_mailbox(cursor: ImapCursor) -> str:
    space(cursor)
    return parse_mailbox(cursor)


def _parse_identifier(cursor: ImapCursor) -> str:
    space(cursor)
    start = cursor.pos
    raw = astring(cursor, "who, such as an account's name")
    identifier = unicodedata.normalize("NFC", text(raw, "identifier"))
    if not 0 < len(identifier.encode()) <= MAX_IDENTIFIER or not identifier.isprintable():
        cursor.pos = start
        cursor.fail(f"who: a name of 1 to {MAX_IDENTIFIER} bytes without control characters")
    return identifier
