"""The messages that came into an account last, for pages that show mail arriving."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

MAX_NEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """A message that was delivered."""

    createseq: int
    mailbox: str
    received: int  # seconds since 1970
    size_bytes: int
    list_fields: bytes = field(repr=False)
    prefix: bytes = field(repr=False)  # the header fields that delivery put in front


def last_modseq(db: sqlite3.Connection) -> int:
    """The modseq that was given out last."""
    return int(db.execute("SELECT modseq FROM account_state").fetchone()[0])


def newest(db: sqlite3.Connection, since: int, limit: int = MAX_NEWEST) -> list[Newest]:
    """Messages that came after the modseq `since`, the last one first. Copies by a mail program are among them."""
    rows = db.execute(
        """SELECT m.createseq, b.name, m.internaldate, m.size_bytes, c.list_fields, c.prefix
            FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN content c ON c.id = m.content_id
            WHERE b.modseq > ? AND m.createseq > ? ORDER BY m.createseq DESC, m.uid DESC LIMIT ?""",
        (since, since, limit),
    )
    return [
        Newest(createseq=seq, mailbox=name, received=received, size_bytes=size, list_fields=fields, prefix=prefix)
        for seq, name, received, size, fields, prefix in rows
    ]
