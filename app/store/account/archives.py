"""Imports of archives that were uploaded: how far each is, noted in the transaction that adds the messages.

So an import that the end of the process interrupts goes on where it was, without taking a message twice. The archive
itself waits in a file beside, which `app.operations.mailimport.uploads` keeps. Times are seconds since 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.store.account.handle import Tx

MAX_ARCHIVES: Final = 20
MAX_WORDS: Final = 1000  # characters
MAX_PROBLEMS: Final = 200
FULL: Final = "full"  # the state of an import that can go on when there is room

_COLUMNS: Final = (
    "id, name, into_mailbox, strip, skips_present, mark, began, ended, state, passed, taken, present, problem_count,"
    " problems, words"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for; `name` is what the file was called."""

    name: str
    into: str = ""  # as `app.operations.mailimport.layout.Names` has it
    strip: str = ""
    skips_present: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An import with how far it is or what became of it."""

    id: int
    wishes: Wishes
    mark: int  # what divides messages that were there from those that came
    began: int
    ended: int | None  # None: under way, or to be gone on with
    state: str
    passed: int  # messages that were gone through
    taken: int
    present: int
    problem_count: int
    problems: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a batch brought."""

    passed: int  # by all batches
    taken: int
    present: int
    problem_count: int  # by all batches
    problems: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an import."""

    state: str
    words: str
    problem_count: int
    problems: Sequence[str]


def begin(tx: Tx, wishes: Wishes, mark: int) -> int:
    """Note that an import begins; its number."""
    values = (wishes.name, wishes.into, wishes.strip, wishes.skips_present, mark, tx.now())
    sql = """INSERT INTO archive_import (name, into_mailbox, strip, skips_present, mark, began)
        VALUES (?, ?, ?, ?, ?, ?) RETURNING id"""
    (number,) = tx.db.execute(sql, values).fetchone()
    tx.db.execute("DELETE FROM archive_import WHERE ended IS NOT NULL AND id <= ?", (number - MAX_ARCHIVES,))
    return int(number)


def note(tx: Tx, number: int, step: Step) -> None:
    """Note a batch that was added."""
    tx.db.execute(
        "UPDATE archive_import SET passed = ?, taken = taken + ?, present = present + ?, problem_count = ?,"
        " problems = ? WHERE id = ?",
        (step.passed, step.taken, step.present, step.problem_count, _joined(step.problems), number),
    )


def end(tx: Tx, number: int, outcome: Outcome) -> None:
    """Note that an import is over, and what became of it."""
    tx.db.execute(
        "UPDATE archive_import SET ended = ?, state = ?, words = ?, problem_count = ?, problems = ? WHERE id = ?",
        (
            tx.now(),
            outcome.state,
            outcome.words[:MAX_WORDS],
            outcome.problem_count,
            _joined(outcome.problems),
            number,
        ),
    )


def reopen(tx: Tx, number: int) -> bool:
    """Note that an import that had no room goes on; False when it does already."""
    sql = "UPDATE archive_import SET ended = NULL, state = '', words = '' WHERE id = ? AND state = ?"
    return tx.db.execute(sql, (number, FULL)).rowcount > 0


def listed(db: sqlite3.Connection) -> list[Archive]:
    """All of them, the latest first."""
    return [_archive(row) for row in db.execute(f"SELECT {_COLUMNS} FROM archive_import ORDER BY id DESC")]


def unfinished(db: sqlite3.Connection) -> list[Archive]:
    """Those to be gone on with, the earliest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM archive_import WHERE ended IS NULL ORDER BY id")
    return [_archive(row) for row in rows]


def _archive(row: tuple[object, ...]) -> Archive:
    values = dict(zip(_COLUMNS.replace(" ", "").split(","), row, strict=True))
    wishes = Wishes(
        name=str(values.pop("name")),
        into=str(values.pop("into_mailbox")),
        strip=str(values.pop("strip")),
        skips_present=bool(values.pop("skips_present")),
    )
    problems = tuple(line for line in str(values.pop("problems")).split("\n") if line)
    return Archive(wishes=wishes, problems=problems, **values)  # type: ignore[arg-type]


def _joined(problems: Sequence[str]) -> str:
    return "\n".join(" ".join(problem.split()) for problem in problems[:MAX_PROBLEMS])
