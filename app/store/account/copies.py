"""Whether a mailbox held a message, byte for byte, when something began.

A message is known by its SHA-256. What came by SMTP is kept as a prefix and a body: it is equal to a message without
the prefix, and to one that begins with it, as exports have it. The second is looked for among messages of the same
Message-ID and size; of messages without a Message-ID those with a prefix are few, and looked up once.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Final

from app.errors import StoreError
from app.store.account.prepare import Prepared
from app.store.account.reader import read_message

MAX_NAMELESS: Final = 100_000  # messages by SMTP without a Message-ID that are kept in mind
MAX_LIKE: Final = 20  # messages of the same Message-ID and size that are looked at

_BY_HASH: Final = """SELECT 1 FROM body b JOIN content c ON c.body_id = b.id JOIN message x ON x.content_id = c.id
    JOIN mailbox m ON m.id = x.mailbox_id WHERE b.hash = ? AND m.name = ? AND c.id <= ? LIMIT 1"""
_LIKE: Final = """SELECT DISTINCT c.id FROM content c JOIN message x ON x.content_id = c.id
    JOIN mailbox m ON m.id = x.mailbox_id
    WHERE c.message_id = ? AND c.size_bytes = ? AND c.prefix <> x'' AND m.name = ? AND c.id <= ? LIMIT ?"""
_NAMELESS: Final = """SELECT c.id, c.size_bytes, m.name FROM content c JOIN message x ON x.content_id = c.id
    JOIN mailbox m ON m.id = x.mailbox_id
    WHERE c.message_id IS NULL AND c.prefix <> x'' AND c.id <= ? LIMIT ?"""


class Copies:
    """What was there when the last content had a number, the `mark`."""

    def __init__(self, msg_dir: Path, mark: int) -> None:
        self._msg_dir = msg_dir
        self._mark = mark
        self._nameless: dict[tuple[str, int], list[int]] | None = None

    @staticmethod
    def mark(db: sqlite3.Connection) -> int:
        """The number of the newest content."""
        return int(db.execute("SELECT coalesce(max(id), 0) FROM content").fetchone()[0])

    def has(self, db: sqlite3.Connection, mailbox: str, prepared: Prepared) -> bool:
        """Whether the mailbox of that name held the message, and still does."""
        if db.execute(_BY_HASH, (prepared.key, mailbox, self._mark)).fetchone() is not None:
            return True
        return any(self._hash(db, number) == prepared.key for number in self._like(db, mailbox, prepared))

    def _like(self, db: sqlite3.Connection, mailbox: str, prepared: Prepared) -> list[int]:
        if prepared.message_id is not None:
            values = (prepared.message_id, prepared.body.size, mailbox, self._mark, MAX_LIKE)
            return [number for (number,) in db.execute(_LIKE, values)]
        if self._nameless is None:
            self._nameless = {}
            for number, size, name in db.execute(_NAMELESS, (self._mark, MAX_NAMELESS)):
                self._nameless.setdefault((name, size), []).append(number)
        return self._nameless.get((mailbox, prepared.body.size), [])[:MAX_LIKE]

    def _hash(self, db: sqlite3.Connection, content_id: int) -> bytes:
        try:
            message = read_message(db, self._msg_dir, content_id)
        except StoreError:  # a damaged account: it is as if the message were not there
            return b""
        if message is None:
            return b""
        digest = hashlib.sha256(message.prefix)
        digest.update(message.body)
        return digest.digest()
