"""The messages of an account from the newest backwards, whatever mailbox they are in.

Contents are numbered as they arrive and found by index, so a page of history costs the same in an account of any size.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

NEWEST = 1 << 62  # above the number of any content


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A message, or a copy of one, which has the same content."""

    content_id: int
    mailbox: str
    special_use: str | None  # of the mailbox
    received: int  # seconds since 1970
    prefix: bytes = field(repr=False)  # the header fields that delivery put in front


def before(db: sqlite3.Connection, content_id: int, limit: int) -> list[Past]:
    """Up to `limit` messages with contents older than `content_id`, the newest first; copies stand side by side."""
    rows = db.execute(
        "SELECT m.content_id, b.name, b.special_use, m.internaldate, c.prefix FROM message m"
        " JOIN content c ON c.id = m.content_id JOIN mailbox b ON b.id = m.mailbox_id"
        " WHERE m.content_id < ? ORDER BY m.content_id DESC LIMIT ?",
        (content_id, limit),
    )
    return [
        Past(content_id=content, mailbox=name, special_use=use, received=received, prefix=prefix)
        for content, name, use, received, prefix in rows
    ]
