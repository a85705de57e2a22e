"""Commands that make, remove, rename and describe mailboxes (RFC 9051 §6.3.4 to §6.3.11).

    create = "CREATE" SP mailbox ["(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]        RFC 6154 §6
    status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"

Names are decoded but not canonical yet; see `app.wire.imap.mailboxname`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.tokens import ImapCursor, keyword, parenthesized, space


class StatusItem(Enum):
    """What STATUS can say about a mailbox."""

    MESSAGES = "MESSAGES"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    DELETED = "DELETED"
    DELETED_STORAGE = "DELETED-STORAGE"
    SIZE = "SIZE"
    RECENT = "RECENT"
    APPENDLIMIT = "APPENDLIMIT"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"
    MAILBOXID = "MAILBOXID"


class SpecialUse(Enum):
    """What a mailbox is for (RFC 6154 §2)."""

    ALL = "\\All"
    ARCHIVE = "\\Archive"
    DRAFTS = "\\Drafts"
    FLAGGED = "\\Flagged"
    IMPORTANT = "\\Important"
    JUNK = "\\Junk"
    SENT = "\\Sent"
    TRASH = "\\Trash"


_STATUS_ITEMS: Final = {item.value: item for item in StatusItem}
_SPECIAL_USES: Final = {use.value.lower().encode(): use for use in SpecialUse}
_USE = re.compile(rb"\\[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class CreateCommand(Command):
    """Make a mailbox, perhaps with a special use."""

    mailbox: str
    special_uses: tuple[SpecialUse, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteCommand(Command):
    """Delete a mailbox."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class RenameCommand(Command):
    """Give a mailbox another name."""

    mailbox: str
    new_mailbox: str


@dataclass(frozen=True, slots=True)
class SubscribeCommand(Command):
    """Put a name on the list of subscriptions."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class UnsubscribeCommand(Command):
    """Take a name off the list of subscriptions."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class StatusCommand(Command):
    """Counts of a mailbox without selecting it."""

    mailbox: str
    items: tuple[StatusItem, ...]


def parse_create(cursor: ImapCursor, tag: str) -> CreateCommand:
    """CREATE mailbox [(USE (attributes))]."""
    space(cursor)
    # Some clients end the name with the separator to say that mailboxes will follow below it (RFC 3501 §6.3.3).
    mailbox = parse_mailbox(cursor)
    mailbox = mailbox.removesuffix("/") or mailbox
    if not cursor.take(b" "):
        return CreateCommand(tag, mailbox)
    cursor.expect_bytes(b"(", "( and USE")
    if keyword(cursor, "USE") != "USE":
        cursor.fail("USE as the only parameter of CREATE")
    space(cursor)
    uses = parenthesized(cursor, _parse_use, "( and special uses")
    cursor.expect_bytes(b")", ")")
    return CreateCommand(tag, mailbox, tuple(dict.fromkeys(uses)))


def _parse_use(cursor: ImapCursor) -> SpecialUse:
    start = cursor.pos
    if use := _SPECIAL_USES.get(cursor.expect(_USE, "a special use such as \\Sent").lower()):
        return use
    cursor.pos = start
    cursor.fail("one of " + " ".join(use.value for use in SpecialUse))


def parse_delete(cursor: ImapCursor, tag: str) -> DeleteCommand:
    """DELETE mailbox."""
    space(cursor)
    return DeleteCommand(tag, parse_mailbox(cursor))


def parse_rename(cursor: ImapCursor, tag: str) -> RenameCommand:
    """RENAME mailbox new-name."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    space(cursor)
    return RenameCommand(tag, mailbox, parse_mailbox(cursor))


def parse_subscribe(cursor: ImapCursor, tag: str) -> SubscribeCommand:
    """SUBSCRIBE mailbox."""
    space(cursor)
    return SubscribeCommand(tag, parse_mailbox(cursor))


def parse_unsubscribe(cursor: ImapCursor, tag: str) -> UnsubscribeCommand:
    """UNSUBSCRIBE mailbox."""
    space(cursor)
    return UnsubscribeCommand(tag, parse_mailbox(cursor))


def parse_status(cursor: ImapCursor, tag: str) -> StatusCommand:
    """STATUS mailbox (items)."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    space(cursor)
    return StatusCommand(tag, mailbox, parse_status_items(cursor))


def parse_status_items(cursor: ImapCursor) -> tuple[StatusItem, ...]:
    """Items in parentheses, at least one, each once."""
    items = parenthesized(cursor, _parse_status_item, "( and status items")
    if not items:
        cursor.fail("at least one status item")
    return tuple(dict.fromkeys(items))


def _parse_status_item(cursor: ImapCursor) -> StatusItem:
    start = cursor.pos
    if item := _STATUS_ITEMS.get(keyword(cursor, "a status item")):
        return item
    cursor.pos = start
    cursor.fail("one of " + " ".join(_STATUS_ITEMS))
