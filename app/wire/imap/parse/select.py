"""SELECT and EXAMINE with the parameters of CONDSTORE and QRESYNC (RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5).

select-params = "(" select-param *(SP select-param) ")"      select-param = "CONDSTORE" / qresync
qresync       = "QRESYNC" SP "(" uidvalidity SP modseq [SP known-uids] [SP seq-match-data] ")"
seq-match-data = "(" known-seqs SP known-uids ")"
"""

from __future__ import annotations

from dataclasses import dataclass

from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.sequence import SequenceSet, parse_uid_set
from app.wire.imap.tokens import ImapCursor, keyword, number64, nz_number, space


@dataclass(frozen=True, slots=True)
class SequenceMatch:
    """Which uids the client knew at which sequence numbers; both have as many numbers, in order."""

    seqs: SequenceSet
    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class Resync:
    """What the client knows of the mailbox from last time."""

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    match: SequenceMatch | None = None


@dataclass(frozen=True, slots=True)
class SelectCommand(Command):
    """Open a mailbox; EXAMINE opens it for reading only."""

    mailbox: str
    is_read_only: bool = False
    has_condstore: bool = False
    qresync: Resync | None = None


def parse_select(cursor: ImapCursor, tag: str, *, is_read_only: bool = False) -> SelectCommand:
    """SELECT mailbox [(parameters)]."""
    space(cursor)
    mailbox = parse_mailbox(cursor)
    has_condstore = False
    qresync = None
    if cursor.take(b" "):
        cursor.expect_bytes(b"(", "( and parameters")
        while True:
            word = keyword(cursor, "CONDSTORE or QRESYNC")
            if word == "CONDSTORE":
                has_condstore = True
            elif word == "QRESYNC" and qresync is None:
                qresync = _parse_resync(cursor)
            else:
                cursor.fail("CONDSTORE or QRESYNC, each once")
            if cursor.take(b")"):
                break
            space(cursor)
    return SelectCommand(tag, mailbox, is_read_only, has_condstore, qresync)


def parse_examine(cursor: ImapCursor, tag: str) -> SelectCommand:
    """EXAMINE mailbox [(parameters)]."""
    return parse_select(cursor, tag, is_read_only=True)


def _parse_resync(cursor: ImapCursor) -> Resync:
    cursor.expect_bytes(b" (", "( after QRESYNC")
    uidvalidity = nz_number(cursor, "a uidvalidity")
    space(cursor)
    modseq = number64(cursor, "a modseq")
    known_uids = match = None
    if cursor.take(b" "):
        if not cursor.starts_with(b"("):
            known_uids = parse_uid_set(cursor)
            has_match = cursor.take(b" ")
        else:
            has_match = True
        match = _parse_match(cursor) if has_match else None
    cursor.expect_bytes(b")", ") after the QRESYNC parameters")
    return Resync(uidvalidity, modseq, known_uids, match)


def _parse_match(cursor: ImapCursor) -> SequenceMatch:
    cursor.expect_bytes(b"(", "( and known sequence numbers")
    seqs = parse_uid_set(cursor)
    space(cursor)
    uids = parse_uid_set(cursor)
    cursor.expect_bytes(b")", ") after known uids")
    return SequenceMatch(seqs, uids)
