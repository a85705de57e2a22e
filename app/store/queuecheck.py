"""Is the queue whole? Its database, and the files of large messages beside.

Reads only. With a server that works on the queue something may be between two states: what is told was found twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from app.store.integrity import faults_of
from app.store.queueschema import MIGRATIONS

# Each query finds the rows that break a rule; the sentence tells which.
_RULES = (
    (
        "SELECT id FROM recipient WHERE base_id NOT IN (SELECT id FROM message)",
        "recipient {0} belongs to a message that is not there",
    ),
    (
        "SELECT id FROM message WHERE id NOT IN (SELECT base_id FROM recipient)",
        "message {0} has no recipient any more",
    ),
    (
        "SELECT m.id, m.size_bytes, length(m.prefix) + length(b.data) FROM message m JOIN body b ON b.message = m.id"
        " WHERE m.size_bytes <> length(m.prefix) + length(b.data)",
        "message {0} is said to have {1} bytes, it has {2}",
    ),
)
_IN_FILES = """SELECT m.id, m.size_bytes - length(m.prefix) FROM message m
    LEFT JOIN body b ON b.message = m.id WHERE b.data IS NULL"""


def check_queue(directory: Path) -> list[str]:
    """What is wrong, a sentence each."""
    found = _faults(directory)
    again = set(_faults(directory)) if found else set[str]()
    return [text for text in found if text in again]


def extra_files(directory: Path) -> list[Path]:
    """Files of messages that no message has; of a queue that nobody works on."""
    expected: set[str] = set()
    faults_of(directory / "index.db", len(MIGRATIONS), lambda db: _note_names(db, expected))
    return [path for path in _files(directory) if path.name not in expected]


def _note_names(db: sqlite3.Connection, names: set[str]) -> tuple[str, ...]:
    names.update(str(number) for number, _ in db.execute(_IN_FILES))
    return ()


def _faults(directory: Path) -> list[str]:
    return faults_of(directory / "index.db", len(MIGRATIONS), lambda db: _look(db, directory))


def _look(db: sqlite3.Connection, directory: Path) -> Iterator[str]:
    for query, sentence in _RULES:
        for row in db.execute(query):
            yield sentence.format(*row)
    expected = {str(number): size for number, size in db.execute(_IN_FILES)}
    present = {path.name: path.stat().st_size for path in _files(directory)}
    for name, size in expected.items():
        if present.get(name) != size:
            yield f"message {name}: its file is missing or has the wrong size"
    for name in sorted(present.keys() - expected.keys()):
        yield f"file msg/{name} belongs to no message"


def _files(directory: Path) -> list[Path]:
    folder = directory / "msg"
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
