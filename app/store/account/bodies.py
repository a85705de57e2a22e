"""The bytes of messages within one account: put, open, drop.

A body never changes and is kept once however many messages have it; its key is its SHA-256. Up to 256 KiB it is in
the database, in the transaction of its message. A larger one is a file `msg/AB/HASH`: it was written and fsynced
beside (`spool.py`), and is renamed into place, with the directories fsynced, before the commit. A transaction that
fails takes its files away again; a crash in between leaves a file that nothing refers to, which the next opening of the
account sweeps, never a message without its file.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sqlite3
from pathlib import Path

from app.errors import StoreError
from app.store.account.handle import Tx
from app.store.spool import MEMORY_LIMIT, Body


def path_of(msg_dir: Path, key: bytes) -> Path:
    """Where the file of a large body is."""
    name = key.hex()
    return msg_dir / name[:2] / name


def put(tx: Tx, body: Body, key: bytes) -> int:
    """The number of the body in the database, which holds it from the commit on."""
    row = tx.db.execute("SELECT id, data IS NULL FROM body WHERE hash = ?", (key,)).fetchone()
    if row is not None:
        if row[1] and not has_size(path_of(tx.msg_dir, key), body.size):  # else what comes now is lost like the other
            _place_file(path_of(tx.msg_dir, key), body)
        return int(row[0])
    data: bytes | None = None
    if body.size <= MEMORY_LIMIT:
        data = bytes(body.data)
    else:
        path = path_of(tx.msg_dir, key)
        tx.placed.append(path)
        _place_file(path, body)
    cursor = tx.db.execute("INSERT INTO body (hash, size_bytes, data) VALUES (?, ?, ?)", (key, body.size, data))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def has_size(path: Path, size: int) -> bool:
    """Whether a file is there, with that many bytes."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def place_bytes(path: Path, data: memoryview) -> None:
    """Write the file of a large body, durably, in the place of what is there."""
    _place_file(path, Body(len(data), bytes(data)))


def _place_file(path: Path, body: Body) -> None:
    """Move the body's temporary file to `path`, durably; a copy is left when several accounts take the same body."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        _fill(part, body)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)  # rename leaves it, too, when both are the same file already
    for directory in (path.parent, path.parent.parent):
        _sync_directory(directory)


def _fill(part: Path, body: Body) -> None:
    if body.path is not None:
        with contextlib.suppress(OSError):  # another file system, or one without hard links
            os.link(body.path, part)
            return
    _write_file(part, body)


def _write_file(path: Path, body: Body) -> None:
    with path.open("wb") as file:
        file.write(body.data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def map_file(path: Path) -> mmap.mmap:
    """The bytes of a large body's file; they stay valid after it was erased."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as err:
        raise StoreError(f"cannot read message file {path.name}: {err}") from err


def drop_unused(db: sqlite3.Connection, body_ids: list[int]) -> list[bytes]:
    """Remove the bodies among `body_ids` that no content has any more; returns the keys whose files can be erased after
    the commit."""
    keys: list[bytes] = []
    for body_id in body_ids:
        row = db.execute(
            "DELETE FROM body WHERE id = ? AND NOT EXISTS (SELECT 1 FROM content WHERE body_id = body.id)"
            " RETURNING hash, data IS NULL",
            (body_id,),
        ).fetchone()
        if row is not None and row[1]:
            keys.append(row[0])
    return keys


def sweep(db: sqlite3.Connection, msg_dir: Path) -> int:
    """Remove files that no body has, which a crash between rename and commit leaves; returns how many."""
    if not msg_dir.is_dir():
        return 0
    wanted = {path_of(msg_dir, key) for (key,) in db.execute("SELECT hash FROM body WHERE data IS NULL")}
    orphans = [path for path in msg_dir.glob("*/*") if path not in wanted]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)
