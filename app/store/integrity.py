"""Is a database file sound? What SQLite itself can tell, and whether this program knows its schema.

Reads only, and may be used while another process writes. A file that cannot be read at all is a fault like any other.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from app.errors import StoreError
from app.store.sqlite import connect, way_back

_MAGIC = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html
_HEAD_BYTES = 100


def require_kept(path: Path, beside: Path) -> None:
    """Raise StoreError when a database is gone or empty, though the directory `beside`, which came after it, is there.

    To make a new one would look as if nothing had ever been there: mail programs would empty their copies.
    """
    if beside.is_dir() and (not path.is_file() or not path.stat().st_size):
        raise StoreError(f"the database {path} is gone, or empty. {way_back(path)}")


def evident_fault(path: Path, newest: int) -> str:
    """What the first bytes of a database file tell that is wrong with it, after "it"; empty when nothing does."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not head.startswith(_MAGIC):
        return "is no database" if head else "is empty"
    version = int.from_bytes(head[60:64], "big")
    return f"has schema {version}, this program knows only up to {newest}" if version > newest else ""


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
