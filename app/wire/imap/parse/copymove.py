"""COPY, MOVE, and what removes messages: EXPUNGE, CLOSE, UNSELECT (RFC 9051 §6.4, RFC 6851, RFC 4315).

copy = "COPY" SP sequence-set SP mailbox      uid-expunge = "UID" SP "EXPUNGE" SP sequence-set
"""

from __future__ import annotations

from dataclasses import dataclass

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.sequence import SequenceSet, parse_set
from app.wire.imap.tokens import ImapCursor, space


@dataclass(frozen=True, slots=True)
class CopyCommand(Command):
    """Put copies of messages into another mailbox, all or none."""

    uid: bool
    sequence: SequenceSet
    mailbox: str


@dataclass(frozen=True, slots=True)
class MoveCommand(Command):
    """Put messages into another mailbox and expunge them here, as one step."""

    uid: bool
    sequence: SequenceSet
    mailbox: str


@dataclass(frozen=True, slots=True)
class ExpungeCommand(Command):
    """Expunge all messages that are \\Deleted, or those of them with these uids."""

    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class CheckCommand(Command):
    """RFC 3501 §6.4.1; the same as NOOP here."""


@dataclass(frozen=True, slots=True)
class CloseCommand(Command):
    """Expunge without telling, and leave the mailbox."""


@dataclass(frozen=True, slots=True)
class UnselectCommand(Command):
    """Leave the mailbox as it is (RFC 3691)."""


def parse_copy(cursor: ImapCursor, tag: str, *, uid: bool = False) -> CopyCommand:
    """COPY messages mailbox."""
    sequence, mailbox = _parse_both(cursor)
    return CopyCommand(tag, uid, sequence, mailbox)


def parse_move(cursor: ImapCursor, tag: str, *, uid: bool = False) -> MoveCommand:
    """MOVE messages mailbox."""
    sequence, mailbox = _parse_both(cursor)
    return MoveCommand(tag, uid, sequence, mailbox)


def _parse_both(cursor: ImapCursor) -> tuple[SequenceSet, str]:
    space(cursor)
    sequence = parse_set(cursor)
    space(cursor)
    return sequence, parse_mailbox(cursor)


def parse_uid_expunge(cursor: ImapCursor, tag: str) -> ExpungeCommand:
    """UID EXPUNGE messages."""
    space(cursor)
    return ExpungeCommand(tag, parse_set(cursor))
