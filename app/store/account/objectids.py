"""Object ids: names of messages, threads and mailboxes that hold whatever happens to them (RFC 8474).

A letter for the kind, the number in the database, and the account's epoch, the second in which it was made: numbers are
never given out twice within an account, and the epoch keeps those of an account that was removed and made again apart.
A message keeps its id when it is copied or moved, a mailbox when it is renamed.

A message belongs to the thread of the nearest message that it refers to and that was there when it arrived, or begins
one. That is never looked at again, as a thread id must not change.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from enum import Enum

MAX_REFERENCES = 20  # looked up; the last ones are the nearest
THREAD_OF_CONTENT = "CASE c.thread_id WHEN 0 THEN c.id ELSE c.thread_id END"  # 0: the content begins its thread

_FORM = re.compile(r"[FMT]([1-9][0-9]{0,17})-([0-9a-f]{1,16})")


class Kind(Enum):
    """What an object id names."""

    MAILBOX = "F"
    EMAIL = "M"
    THREAD = "T"


def write_objectid(kind: Kind, number: int, epoch: int) -> str:
    """The object id."""
    return f"{kind.value}{number}-{epoch:x}"


def number_of(objectid: str, kind: Kind, db: sqlite3.Connection) -> int:
    """The number in an object id of this account; 0 for one that we never gave out."""
    found = _FORM.fullmatch(objectid)
    if found is None or objectid[0] != kind.value or int(found[2], 16) != read_epoch(db):
        return 0
    return int(found[1])


def read_epoch(db: sqlite3.Connection) -> int:
    """The account's epoch."""
    return int(db.execute("SELECT epoch FROM account_state").fetchone()[0])


def thread_of(db: sqlite3.Connection, message_id: str | None, references: Sequence[str]) -> int:
    """The thread of a new content with this Message-ID and these references, oldest first; 0 when it begins one.

    Another copy of the same message, such as that of a mailing list, is in its thread.
    """
    names = [*references[-MAX_REFERENCES:], *([message_id] if message_id else [])]
    if not names:
        return 0
    marks = ",".join("?" * len(names))
    rows = db.execute(
        f"SELECT c.message_id, {THREAD_OF_CONTENT} FROM content c WHERE c.message_id IN ({marks})", names
    ).fetchall()
    return int(max(rows, key=lambda row: (names.index(row[0]), -row[1]))[1]) if rows else 0
