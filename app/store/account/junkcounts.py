"""The counts of a junk filter in SQLite: what is known of each feature, and how many messages it was learnt from.

The tables stand in an account's database, and alone in a file of the `junk` commands. A lesson is what one message
taught; it is added and taken back as a whole and exactly: a filter from which everything was taken back is empty.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.junk.classifier import Count, Samples, step
from app.junk.features import FORM

TABLES: Final = """
CREATE TABLE junk_samples (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    form INTEGER NOT NULL,              -- how features were made; 0 is none
    wanted INTEGER NOT NULL,            -- messages learnt from
    junk INTEGER NOT NULL
) STRICT;
INSERT INTO junk_samples (id, form, wanted, junk) VALUES (1, 0, 0, 0);
CREATE TABLE junk_feature (
    number INTEGER PRIMARY KEY,
    wanted INTEGER NOT NULL,            -- messages that have it
    junk INTEGER NOT NULL,
    weight INTEGER NOT NULL
) STRICT;
"""
_AT_ONCE: Final = 2000  # of the variables that SQLite allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a message taught: to each of its features one more of its kind, and `step` to their weights."""

    is_junk: bool
    step: int
    numbers: Sequence[int]

    def packed(self) -> bytes:
        """The numbers for a row."""
        return array("I", self.numbers).tobytes()


def unpacked(numbers: bytes) -> Sequence[int]:
    """The numbers of a row."""
    return array("I", numbers)


def samples(db: sqlite3.Connection) -> Samples:
    """How many messages were learnt from."""
    return Samples(*db.execute("SELECT wanted, junk FROM junk_samples").fetchone())


def form(db: sqlite3.Connection) -> int:
    """How the features were made that are counted."""
    return int(db.execute("SELECT form FROM junk_samples").fetchone()[0])


def counts(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Count]:
    """What is known of those of the features that are."""
    found: dict[int, Count] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        rows = db.execute(f"SELECT number, wanted, junk, weight FROM junk_feature WHERE number IN ({marks})", some)
        found.update({number: Count(wanted, junk, weight) for number, wanted, junk, weight in rows})
    return found


def learn(db: sqlite3.Connection, numbers: Sequence[int], *, is_junk: bool) -> Lesson:
    """Learn from a message with these features."""
    added = step(len(numbers), counts(db, numbers), samples(db), is_junk=is_junk)
    lesson = Lesson(is_junk=is_junk, step=added, numbers=numbers)
    wanted, junk = int(not is_junk), int(is_junk)
    db.executemany(
        "INSERT INTO junk_feature (number, wanted, junk, weight) VALUES (?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
        " wanted = wanted + excluded.wanted, junk = junk + excluded.junk, weight = weight + excluded.weight",
        [(number, wanted, junk, added) for number in numbers],
    )
    db.execute("UPDATE junk_samples SET wanted = wanted + ?, junk = junk + ?", (wanted, junk))
    return lesson


def take_back(db: sqlite3.Connection, lesson: Lesson) -> None:
    """Forget a lesson."""
    wanted, junk = int(not lesson.is_junk), int(lesson.is_junk)
    db.executemany(
        "UPDATE junk_feature SET wanted = wanted - ?, junk = junk - ?, weight = weight - ? WHERE number = ?",
        [(wanted, junk, lesson.step, number) for number in lesson.numbers],
    )
    db.executemany(
        "DELETE FROM junk_feature WHERE number = ? AND wanted = 0 AND junk = 0", [(n,) for n in lesson.numbers]
    )
    db.execute("UPDATE junk_samples SET wanted = wanted - ?, junk = junk - ?", (wanted, junk))


def clear(db: sqlite3.Connection) -> None:
    """Forget everything."""
    db.execute("DELETE FROM junk_feature")
    db.execute("UPDATE junk_samples SET form = ?, wanted = 0, junk = 0", (FORM,))
