"""Puts the bytes of a message back where what is stored of them is missing or damaged.

A message that comes from a backup knows by its hash which body it is: of a message that came whole, or of one that
came by SMTP, which is kept as a prefix and a body.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.store.account.bodies import path_of, place_bytes
from app.store.account.handle import Tx
from app.store.account.prepare import Prepared
from app.store.spool import MEMORY_LIMIT

MAX_LIKE: Final = 20  # messages of the same Message-ID and size that are looked at
PIECE: Final = 1 << 20

_BODY: Final = "SELECT id, hash, x'' FROM body WHERE hash = ?"
_LIKE: Final = """SELECT DISTINCT b.id, b.hash, c.prefix FROM content c JOIN body b ON b.id = c.body_id
    WHERE c.message_id = ? AND c.size_bytes = ? AND c.prefix <> x'' LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A body that is not what its hash says, and the bytes that are."""

    body_id: int
    key: bytes
    data: memoryview


def find_damaged(db: sqlite3.Connection, msg_dir: Path, prepared: Prepared) -> list[Damaged]:
    """The bodies that a message, which is whole, can mend."""
    found: list[Damaged] = []
    for body_id, key, prefix in _candidates(db, prepared):
        whole = memoryview(prepared.body.data)
        data = whole[len(prefix) :]
        is_it = whole[: len(prefix)] == prefix and hashlib.sha256(data).digest() == key
        if is_it and _stored_hash(db, msg_dir, body_id, key) != key:
            found.append(Damaged(body_id, key, data))
    return found


def mend(tx: Tx, damaged: Damaged) -> None:
    """Put the bytes in their place."""
    data = damaged.data
    if len(data) > MEMORY_LIMIT:
        place_bytes(path_of(tx.msg_dir, damaged.key), data)
    values = (len(data), bytes(data) if len(data) <= MEMORY_LIMIT else None, damaged.body_id)
    tx.db.execute("UPDATE body SET size_bytes = ?, data = ? WHERE id = ?", values)


def _candidates(db: sqlite3.Connection, prepared: Prepared) -> Iterator[tuple[int, bytes, bytes]]:
    yield from db.execute(_BODY, (prepared.key,)).fetchall()
    if prepared.message_id is not None:
        yield from db.execute(_LIKE, (prepared.message_id, prepared.body.size, MAX_LIKE)).fetchall()


def _stored_hash(db: sqlite3.Connection, msg_dir: Path, body_id: int, key: bytes) -> bytes:
    """Empty when it cannot be read."""
    (data,) = db.execute("SELECT data FROM body WHERE id = ?", (body_id,)).fetchone()
    if data is not None:
        return hashlib.sha256(data).digest()
    digest = hashlib.sha256()
    try:
        with path_of(msg_dir, key).open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except OSError:
        return b""
    return digest.digest()
