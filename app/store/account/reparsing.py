"""Makes anew what `prepare` made from the bytes of each content: part tree, ENVELOPE, BODYSTRUCTURE, header columns.

For when a later version of this program understands messages better, or a row is damaged. `look` compares a batch on a
reader, which is where the CPU goes; `carry_out` writes the rows that differ. The bytes are not touched, nor the thread
a message is in, which must not change (RFC 8474 §5.2). Bytes that are not what was stored, by their hash, are told and
left as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import StoreError
from app.store.account.handle import Tx
from app.store.account.prepare import Prepared, prepare
from app.store.account.reader import MessageBytes, read_message
from app.store.spool import Body

BATCH: Final = 64  # contents
BATCH_BYTES: Final = 8 << 20  # after which a batch ends early, so that its transaction and its memory stay small

_COLUMNS: Final = (
    "parts",
    "envelope",
    "body_form",
    "bodystructure",
    "list_fields",
    "message_id",
    "base_subject",
    "sent",
)
_SELECT: Final = f"SELECT id, size_bytes, {', '.join(_COLUMNS)} FROM content WHERE id > ? ORDER BY id LIMIT ?"
_UPDATE: Final = f"UPDATE content SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Reparsed:
    """A content that is to have other columns."""

    content_id: int
    prepared: Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was found out about some contents."""

    last: int  # content; the next batch begins after it
    looked_at: int  # 0: there are no more
    differing: tuple[Reparsed, ...]
    faults: tuple[str, ...]


def count(db: sqlite3.Connection) -> int:
    """How many contents there are."""
    return int(db.execute("SELECT count(*) FROM content").fetchone()[0])


def look(db: sqlite3.Connection, msg_dir: Path, after: int) -> Batch:
    """Parse the contents after a number, and say which rows differ."""
    differing: list[Reparsed] = []
    faults: list[str] = []
    last, looked_at, size_bytes = after, 0, 0
    for content_id, size, *stored in db.execute(_SELECT, (after, BATCH)).fetchall():
        try:
            prepared = _parse(db, msg_dir, content_id)
        except StoreError as error:
            faults.append(f"content {content_id}: {error}")
        else:
            if _columns(prepared) != tuple(stored):
                differing.append(Reparsed(content_id, prepared))
        last, looked_at, size_bytes = content_id, looked_at + 1, size_bytes + size
        if size_bytes > BATCH_BYTES:
            break
    return Batch(last=last, looked_at=looked_at, differing=tuple(differing), faults=tuple(faults))


def carry_out(tx: Tx, differing: Sequence[Reparsed]) -> None:
    """Write the columns; a content that was erased meanwhile is passed over."""
    tx.db.executemany(_UPDATE, ((*_columns(one.prepared), one.content_id) for one in differing))


def _parse(db: sqlite3.Connection, msg_dir: Path, content_id: int) -> Prepared:
    message = read_message(db, msg_dir, content_id)
    (key,) = db.execute(
        "SELECT b.hash FROM body b JOIN content c ON c.body_id = b.id WHERE c.id = ?", (content_id,)
    ).fetchone() or (b"",)
    if message is None:
        raise StoreError("its body is not there")
    prepared = prepare(_body(message))
    if prepared.key != key:
        raise StoreError("its bytes are damaged: their hash is wrong")
    return prepared


def _body(message: MessageBytes) -> Body:
    return Body(len(message.body), message.body)


def _columns(prepared: Prepared) -> tuple[object, ...]:
    return tuple(getattr(prepared, name) for name in _COLUMNS)
