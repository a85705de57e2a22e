"""UIDBATCHES: where to cut a mailbox into pieces of equal size (RFC 10022).

    uidbatches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]

The first number is the size of a batch, the others say which batches are wanted, counted from the newest messages on.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.wire.imap.command import Command
from app.wire.imap.tokens import ImapCursor, nz_number, space


@dataclass(frozen=True, slots=True)
class UidbatchesCommand(Command):
    """Ranges of uids with `size` messages each; `first` to `last` of them, or all."""

    size: int
    first: int = 1
    last: int | None = None


def parse_uidbatches(cursor: ImapCursor, tag: str) -> UidbatchesCommand:
    """UIDBATCHES size [first:last]."""
    space(cursor)
    size = nz_number(cursor, "the number of messages in a batch")
    if not cursor.take(b" "):
        return UidbatchesCommand(tag, size)
    first = nz_number(cursor, "batches such as 1:10")
    cursor.expect_bytes(b":", "a colon between two numbers")
    return UidbatchesCommand(tag, size, first, nz_number(cursor, "batches such as 1:10"))
