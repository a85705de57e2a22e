"""A whole and durable copy of a database, in one file, while others read and write it.

The copy is one state of the database: what is committed meanwhile is not in it. Raises sqlite3.Error, OSError; then
part of it may be there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

MODE = 0o640


def copy_file(source: Path, target: Path) -> None:
    """Copy a database that nobody or any process has open."""
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
        db.execute("PRAGMA busy_timeout=5000")
        copy(db, target)


def copy(db: sqlite3.Connection, target: Path) -> None:
    """Copy an open database to a new file."""
    target.touch(mode=MODE, exist_ok=False)
    with contextlib.closing(sqlite3.connect(target)) as made:
        made.execute("PRAGMA synchronous=OFF")  # it is synced once, as a whole
        db.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")  # a file that needs no others beside it
    sync(target)


def sync(path: Path) -> None:
    """Bring a file, or the entries of a directory, to stable storage."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
