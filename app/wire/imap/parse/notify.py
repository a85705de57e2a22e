"""NOTIFY: what a client wants to be told, of which mailboxes (RFC 5465 §8).

    notify = "NOTIFY" SP ("NONE" / "SET" [SP "STATUS"] 1*(SP "(" filter SP events ")"))
    events = "NONE" / "(" event *(SP event) ")"             event = "MessageNew" [SP "(" fetch-att ... ")"] / atom

Of the selected mailbox there are events about messages only, and only there may items to fetch be named. Who wants to
know of new messages must hear of removed ones too, and the other way round; flags need both (§5). Events that we do not
know are no errors here: the server answers with those that it has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.parse.fetch import FetchItem
from app.wire.imap.parse.mailboxfilter import OF_SELECTED, MailboxFilter, parse_filter
from app.wire.imap.parse.search import parse_items
from app.wire.imap.tokens import ImapCursor, atom, keyword, parenthesized, space


class NotifyEvent(Enum):
    """What can happen."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    ANNOTATION_CHANGE = "AnnotationChange"  # of messages, which have none here: it never happens
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


COUNTS: Final = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE})
OF_MESSAGES: Final = COUNTS | {NotifyEvent.FLAG_CHANGE, NotifyEvent.ANNOTATION_CHANGE}

_EVENTS: Final = {event.value.upper(): event for event in NotifyEvent}
_STATUS = re.compile(rb"STATUS ", re.IGNORECASE)
_NONE = re.compile(rb"NONE(?=\))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Which events of some mailboxes are to be told, and what to fetch of new messages of the selected one."""

    mailboxes: MailboxFilter
    events: frozenset[NotifyEvent] = frozenset()  # none: nothing
    items: tuple[FetchItem, ...] = ()


@dataclass(frozen=True, slots=True)
class NotifyCommand(Command):
    """Tell these events from now on, and no others; without groups, nothing at all."""

    groups: tuple[EventGroup, ...] = ()
    has_status: bool = False  # how the mailboxes are now is to be told first
    has_unknown: bool = False  # some event is not known here


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One event, None when it is not known."""

    event: NotifyEvent | None
    items: tuple[FetchItem, ...] = ()


def parse_notify(cursor: ImapCursor, tag: str) -> NotifyCommand:
    """NOTIFY NONE, or NOTIFY SET [STATUS] (mailboxes events) ..."""
    space(cursor)
    start = cursor.pos
    word = keyword(cursor, "SET or NONE")
    if word == "NONE":
        return NotifyCommand(tag)
    if word != "SET":
        cursor.pos = start
        cursor.fail("SET or NONE")
    space(cursor)
    has_status = cursor.match(_STATUS) is not None
    read = [_parse_group(cursor)]
    while cursor.take(b" "):
        read.append(_parse_group(cursor))
    groups = tuple(group for group, _ in read)
    if sum(group.mailboxes.kind in OF_SELECTED for group in groups) > 1:  # RFC 5465 §6.1
        cursor.fail("the selected mailbox once only")
    return NotifyCommand(tag, groups, has_status, any(has_unknown for _, has_unknown in read))


def _parse_group(cursor: ImapCursor) -> tuple[EventGroup, bool]:
    """One group, and whether there was an event that is not known."""
    cursor.expect_bytes(b"(", "( and which mailboxes")
    mailboxes = parse_filter(cursor)
    space(cursor)
    start = cursor.pos
    wanted = [] if cursor.match(_NONE) else parenthesized(cursor, _parse_event, "NONE or ( and events")
    if not wanted and cursor.data[start : start + 1] == b"(":
        cursor.fail("at least one event, or NONE")
    if fault := _fault(mailboxes, wanted):
        cursor.pos = start
        cursor.fail(fault)
    cursor.expect_bytes(b")", ") after the events")
    events = frozenset(one.event for one in wanted if one.event is not None)
    items = tuple(dict.fromkeys(item for one in wanted for item in one.items))
    return EventGroup(mailboxes, events, items), any(one.event is None for one in wanted)


def _parse_event(cursor: ImapCursor) -> _Wanted:
    event = _EVENTS.get(atom(cursor, "an event").decode("ascii").upper())
    if event is not NotifyEvent.MESSAGE_NEW or not cursor.starts_with(b" ("):
        return _Wanted(event)
    space(cursor)
    return _Wanted(event, parse_items(cursor))


def _fault(mailboxes: MailboxFilter, wanted: Sequence[_Wanted]) -> str:
    """What should stand there instead, or nothing."""
    events = {one.event for one in wanted if one.event is not None}
    if events & OF_MESSAGES and not events >= COUNTS:
        return "MessageNew and MessageExpunge, both or neither, and both for the other events of messages"
    if mailboxes.kind in OF_SELECTED:
        return "" if events <= OF_MESSAGES else "events of messages only for the selected mailbox"
    return "MessageNew without items, as these are for the selected mailbox" if any(o.items for o in wanted) else ""
