"""What the junk filter of an account has learnt, and what it has to learn yet.

A content is junk when a message that has it is flagged $Junk alone, wanted when one is flagged $NotJunk alone, and
neither when both or none is the case. So a copy counts once, a move changes nothing, and an expunged message is taken
back. Each content whose messages change in this respect is noted in the transaction of the change (`junk_due`): by
triggers when a message comes or goes, by `flags.store` when its flags change, where a trigger cost too much. A
moment later a batch of these is read and learnt (`junktrainer.py`), with the record of what was learnt
(`junk_trained`) in the same transaction. After a crash at any moment the rest is still due, and a content that was
learnt is not learnt again.

The record holds the features, so that a lesson is taken back exactly although the message is gone or this program
makes other features of it by now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import StoreError
from app.junk.features import FORM, features_of
from app.store.account import junkcounts
from app.store.account.junkcounts import Lesson
from app.store.account.reader import read_message
from app.wire.imap.flags import JUNK, NOTJUNK

_MARKS: Final = JUNK | NOTJUNK
# What a content is: 1 junk, 0 wanted, NULL neither.
_WISH: Final = f"""
SELECT CASE WHEN max(flags & {_MARKS} = {JUNK}) + max(flags & {_MARKS} = {NOTJUNK}) = 1
    THEN max(flags & {_MARKS} = {JUNK}) END
FROM message WHERE content_id = """

# For `check`: rows that break a rule, and the sentence that says so.
RULES: Final = (
    (
        "SELECT s.wanted, s.junk FROM junk_samples s WHERE s.wanted <> (SELECT count(*) FROM junk_trained WHERE NOT"
        " is_junk) OR s.junk <> (SELECT count(*) FROM junk_trained WHERE is_junk)",
        "the junk filter says that it learnt from {0} wanted and {1} junk messages, and did from others",
    ),
    (
        "SELECT t.features, f.features FROM"
        " (SELECT coalesce(sum(length(numbers)), 0) / 4 AS features FROM junk_trained) t,"
        " (SELECT coalesce(sum(wanted + junk), 0) AS features FROM junk_feature) f WHERE t.features <> f.features",
        "the junk filter learnt {0} features and counts {1}",
    ),
    (
        f"SELECT t.content_id FROM junk_trained t WHERE t.is_junk IS NOT ({_WISH} t.content_id)"
        " AND t.content_id NOT IN (SELECT content_id FROM junk_due)",
        "the junk filter learnt from content {0} what it is not",
    ),
    (
        f"SELECT content_id FROM message WHERE flags & {_MARKS} IN ({JUNK}, {NOTJUNK})"
        " AND content_id NOT IN (SELECT content_id FROM junk_due UNION ALL SELECT content_id FROM junk_trained)"
        f" GROUP BY content_id HAVING count(DISTINCT flags & {_MARKS}) = 1",
        "the junk filter does not know of content {0}",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A content that is due, and the features to learn; None when there is nothing to learn."""

    content_id: int
    numbers: Sequence[int] | None


def note_chosen(db: sqlite3.Connection, mailbox_id: int) -> None:
    """Note that the flags of the messages in `temp.chosen` say something else now."""
    db.execute(
        "INSERT OR IGNORE INTO junk_due SELECT content_id FROM message"
        " WHERE mailbox_id = ? AND uid IN (SELECT uid FROM temp.chosen)",
        (mailbox_id,),
    )


def is_any_due(db: sqlite3.Connection) -> bool:
    """Whether something is to be learnt, or all is to be learnt again."""
    return db.execute("SELECT 1 FROM junk_due LIMIT 1").fetchone() is not None or junkcounts.form(db) != FORM


def count_due(db: sqlite3.Connection) -> int:
    """How many messages are to be learnt, or forgotten."""
    (count,) = db.execute("SELECT count(*) FROM junk_due").fetchone()
    return int(count)


def tasks(db: sqlite3.Connection, msg_dir: Path, most: int) -> list[Task]:
    """What to learn next: reads and takes apart up to `most` messages."""
    due = db.execute("SELECT content_id FROM junk_due ORDER BY content_id LIMIT ?", (most,)).fetchall()
    return [_task(db, msg_dir, content_id) for (content_id,) in due]


def _task(db: sqlite3.Connection, msg_dir: Path, content_id: int) -> Task:
    wish = _wish(db, content_id)
    if wish is None or wish == _learnt(db, content_id):
        return Task(content_id=content_id, numbers=None)
    try:
        message = read_message(db, msg_dir, content_id)
    except StoreError:  # a damaged account: nothing can be learnt from it, and the others are not kept waiting
        message = None
    return Task(content_id=content_id, numbers=features_of(message.body, message.root).numbers if message else ())


def carry_out(db: sqlite3.Connection, done: Sequence[Task]) -> None:
    """Learn and forget, in one transaction with the record. What changed meanwhile stays due."""
    for task in done:
        wish = _wish(db, task.content_id)
        if wish != _learnt(db, task.content_id):
            if wish is not None and task.numbers is None:
                continue
            _replace(db, task, wish)
        db.execute("DELETE FROM junk_due WHERE content_id = ?", (task.content_id,))


def _replace(db: sqlite3.Connection, task: Task, wish: bool | None) -> None:
    row = db.execute(
        "DELETE FROM junk_trained WHERE content_id = ? RETURNING is_junk, step, numbers", (task.content_id,)
    ).fetchone()
    if row is not None:
        lesson = Lesson(is_junk=bool(row[0]), step=row[1], numbers=junkcounts.unpacked(row[2]))
        junkcounts.take_back(db, lesson)
    if wish is not None and task.numbers is not None:
        lesson = junkcounts.learn(db, task.numbers, is_junk=wish)
        db.execute(
            "INSERT INTO junk_trained (content_id, is_junk, step, numbers) VALUES (?, ?, ?, ?)",
            (task.content_id, lesson.is_junk, lesson.step, lesson.packed()),
        )


def begin_again(db: sqlite3.Connection) -> None:
    """Forget everything, and make all that is flagged due."""
    junkcounts.clear(db)
    db.execute("DELETE FROM junk_trained")
    db.execute("DELETE FROM junk_due")
    db.execute(f"INSERT INTO junk_due SELECT DISTINCT content_id FROM message WHERE flags & {_MARKS}")


def _wish(db: sqlite3.Connection, content_id: int) -> bool | None:
    found = db.execute(_WISH + "?", (content_id,)).fetchone()[0]
    return None if found is None else bool(found)


def _learnt(db: sqlite3.Connection, content_id: int) -> bool | None:
    row = db.execute("SELECT is_junk FROM junk_trained WHERE content_id = ?", (content_id,)).fetchone()
    return None if row is None else bool(row[0])
