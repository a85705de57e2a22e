"""Is a database file sound? What SQLite itself can tell, and whether this program knows its schema.

Reads only, and may be used while another process writes. A file that cannot be read at all is a fault like any other.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from app.store.sqlite import connect


def _no_rules(db: sqlite3.Connection) -> Iterable[str]:
    return ()


def faults_of(path: Path, newest: int, rules: Callable[[sqlite3.Connection], Iterable[str]] = _no_rules) -> list[str]:
    """What is wrong, a sentence each; `rules` looks further into one whose schema is the newest."""
    if not path.is_file():
        return [f"database {path.name} is missing"]
    try:
        with contextlib.closing(connect(path, read_only=True)) as db:
            db.execute("BEGIN")
            return list(_look(db, newest, rules))
    except sqlite3.Error as error:
        return [f"database {path.name} cannot be read: {error}"]


def _look(db: sqlite3.Connection, newest: int, rules: Callable[[sqlite3.Connection], Iterable[str]]) -> Iterator[str]:
    for (text,) in db.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database: {text}"
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"database: row {row} of {table} belongs to a {parent} that is not there"
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > newest:
        yield f"database has schema {version}, this program knows only up to {newest}"
    if version == newest:
        yield from rules(db)
