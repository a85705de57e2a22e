"""Read the content of messages: the ready parts for lists, and the bytes.

A message that was expunged but not yet told to a session is found through its tombstone. The bytes of a message are its
prefix and its body; the header section is the prefix and the body's header.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from app.store.account import bodies
from app.store.account.objectids import THREAD_OF_CONTENT
from app.wire.message.packed import unpack
from app.wire.message.part import Part

# Columns of a content that can be asked for without reading the body, by the name FETCH knows them.
READY_COLUMNS = ("envelope", "body_form", "bodystructure", "list_fields")
_OF_CONTENT = {**{name: f"c.{name}" for name in READY_COLUMNS}, "thread_id": THREAD_OF_CONTENT}


class MessageBytes:
    """The bytes of one message; the part tree has offsets into `body`."""

    __slots__ = ("_packed", "_root", "body", "prefix")

    def __init__(self, prefix: bytes, body: bytes | mmap.mmap, packed: bytes) -> None:
        self.prefix = prefix
        self.body = body
        self._packed = packed
        self._root: Part | None = None

    @property
    def root(self) -> Part:
        """The part tree, unpacked when first asked for."""
        if self._root is None:
            self._root = unpack(self._packed)
        return self._root

    @property
    def size_bytes(self) -> int:
        """All bytes, prefix and body."""
        return len(self.prefix) + len(self.body)

    def whole(self) -> bytes:
        """The message."""
        return self.prefix + self.body[:]

    def header(self) -> bytes:
        """The header section with the empty line that ends it."""
        return self.prefix + self.body[self.root.header_start : self.root.body_start]

    def text(self) -> bytes:
        """What comes after the header section."""
        return self.body[self.root.body_start : len(self.body)]


def read_message(db: sqlite3.Connection, msg_dir: Path, content_id: int) -> MessageBytes | None:
    """The bytes of a content, a large body as a memory map; None when it was erased."""
    row = db.execute(
        "SELECT c.prefix, b.data, c.parts, b.hash FROM content c JOIN body b ON b.id = c.body_id WHERE c.id = ?",
        (content_id,),
    ).fetchone()
    if row is None:
        return None
    prefix, data, parts, key = row
    return MessageBytes(prefix, data if data is not None else bodies.map_file(bodies.path_of(msg_dir, key)), parts)


def content_ids(db: sqlite3.Connection, mailbox_id: int, uids: Sequence[int]) -> dict[int, int]:
    """uid to content number, for messages that are there or were expunged and not erased yet."""
    found: dict[int, int] = {}
    for table in ("message", "tombstone"):
        for start in range(0, len(uids), 500):
            some = uids[start : start + 500]
            marks = ",".join("?" * len(some))
            found.update(
                db.execute(
                    f"SELECT uid, content_id FROM {table}"
                    f" WHERE mailbox_id = ? AND uid IN ({marks}) AND content_id IS NOT NULL",
                    (mailbox_id, *some),
                )
            )
    return found


def ready_rows(
    db: sqlite3.Connection, mailbox_id: int, uids: Sequence[int], columns: Sequence[str]
) -> list[tuple[object, ...]]:
    """uid and the wanted columns of those messages that are there, by uid.

    Columns are names of READY_COLUMNS, thread_id, or of the message row: size_bytes, internaldate, savedate,
    content_id.
    Uids that lie close together are read as one range.
    """
    names = ", ".join(_OF_CONTENT.get(name) or f"m.{name}" for name in columns)
    join = " JOIN content c ON c.id = m.content_id" if any(name in _OF_CONTENT for name in columns) else ""
    select = f"SELECT m.uid, {names} FROM message m{join} WHERE m.mailbox_id = ? AND m.uid"
    first, last = uids[0], uids[-1]
    if last - first < 2 * len(uids):
        rows = db.execute(f"{select} BETWEEN ? AND ? ORDER BY m.uid", (mailbox_id, first, last)).fetchall()
        if len(rows) <= len(uids) and last - first + 1 == len(uids):
            return rows
        wanted = set(uids)
        return [row for row in rows if row[0] in wanted]
    marks = ",".join("?" * len(uids))
    return db.execute(f"{select} IN ({marks}) ORDER BY m.uid", (mailbox_id, *uids)).fetchall()


def departed_row(
    db: sqlite3.Connection, mailbox_id: int, uid: int, columns: Sequence[str]
) -> tuple[object, ...] | None:
    """The same for one message that was expunged and not erased yet; its dates are gone and read as 0."""
    names = []
    for name in columns:
        if name in _OF_CONTENT or name == "size_bytes":
            names.append(_OF_CONTENT.get(name) or f"c.{name}")
        else:
            names.append("t.content_id" if name == "content_id" else "0")
    row: tuple[object, ...] | None = db.execute(
        f"SELECT t.uid, {', '.join(names)} FROM tombstone t JOIN content c ON c.id = t.content_id"
        " WHERE t.mailbox_id = ? AND t.uid = ?",
        (mailbox_id, uid),
    ).fetchone()
    return row
