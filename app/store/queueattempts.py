"""Attempts on disk: begun before the first byte goes out, ended with their result and what it leads to.

`begin` counts an attempt and plans the next. `finish` writes down what came of it in one transaction: a recipient that
waits keeps the row of its attempt, one that is done leaves the queue, remembered as retired if asked, and the message
goes with its last recipient. The functions take the connection of a transaction; `QueueDb` runs them.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Sequence

from app.store import milestones, submitted
from app.store.queuerecords import Ending, Finished, Queued
from app.store.queuerows import COLUMNS, FROM, queued
from app.store.spool import MEMORY_LIMIT


def begin(db: sqlite3.Connection, ids: Sequence[int], now: float, backoff: Callable[[int], float]) -> list[Queued]:
    taken = []
    for recipient_id in ids:
        row = db.execute(f"SELECT {COLUMNS} {FROM} WHERE r.id = ? AND r.hold = 0", (recipient_id,)).fetchone()
        if row is None:
            continue
        db.execute(
            """UPDATE recipient SET attempts = attempts + 1, attempting = 1, last_attempt = ?, next_attempt = ?
                WHERE id = ?""",
            (now, now + backoff(row[9]), recipient_id),
        )
        taken.append(queued((*row[:9], row[9] + 1, *row[10:12], now, *row[13:])))
    return taken


def finish(db: sqlite3.Connection, results: Sequence[Finished]) -> list[int]:
    """Write down results; the messages that have ended and whose bytes are a file."""
    ended = []
    for result in results:
        row = db.execute(f"SELECT r.base_id, r.attempts, m.size_bytes {FROM} WHERE r.id = ?", (result.id,)).fetchone()
        if row is None:  # dropped by an operator meanwhile
            continue
        milestones.note(db, result)
        if result.ending is Ending.DEFERRED:
            _defer(db, result)
        elif _retire(db, result, row[0], row[1] > 1) and row[2] > MEMORY_LIMIT:
            ended.append(row[0])
    return ended


def _defer(db: sqlite3.Connection, result: Finished) -> None:
    _insert_attempt(db, result)
    db.execute(
        "UPDATE recipient SET attempting = 0, next_attempt = CASE WHEN ? > 0 THEN ? ELSE next_attempt END WHERE id = ?",
        (result.next_attempt, result.next_attempt, result.id),
    )


def _retire(db: sqlite3.Connection, result: Finished, base_id: int, had_attempts: bool) -> bool:
    """Take a recipient out of the queue, remembered if asked; whether the message has no recipient left."""
    if result.keep_until:
        _insert_attempt(db, result)
        db.execute(
            f"""INSERT INTO retired SELECT r.id, r.base_id, m.sender_account, r.reverse_path, r.recipient, r.domain,
                r.from_id, m.queued, r.attempts, m.size_bytes, m.message_id, m.subject, r.transport, r.require_tls,
                m.extra, ?, ?, ? {FROM} WHERE r.id = ?""",
            (
                result.ending is Ending.DELIVERED,
                result.attempt.started + result.attempt.duration_s,
                result.keep_until,
                result.id,
            ),
        )
    elif had_attempts:
        db.execute("DELETE FROM attempt WHERE recipient = ?", (result.id,))
    return forget(db, result.id, base_id)


def forget_retired(db: sqlite3.Connection, now: float) -> None:
    old = "SELECT id FROM retired WHERE keep_until < ?"
    db.execute(f"DELETE FROM attempt WHERE recipient IN ({old})", (now,))
    db.execute("DELETE FROM retired WHERE keep_until < ?", (now,))
    submitted.forget_old(db, now)


def forget(db: sqlite3.Connection, recipient_id: int, base_id: int) -> bool:
    """Remove a recipient, and the message with its last one; whether it was the last."""
    db.execute("DELETE FROM recipient WHERE id = ?", (recipient_id,))
    if db.execute("SELECT 1 FROM recipient WHERE base_id = ? LIMIT 1", (base_id,)).fetchone():
        return False
    db.execute("DELETE FROM message WHERE id = ?", (base_id,))
    return True


def _insert_attempt(db: sqlite3.Connection, result: Finished) -> None:
    done = result.attempt
    db.execute(
        """INSERT INTO attempt (recipient, started, duration_s, success, code, enhanced, error, host, ip, dialogue,
            security) VALUES (?,?,?,?,?,?,?,?,?,?,?)""",
        (
            result.id,
            done.started,
            done.duration_s,
            done.success,
            done.code,
            done.enhanced,
            done.error,
            done.host,
            done.ip,
            zlib.compress(result.dialogue.encode(), 1) if result.dialogue else None,
            done.security,
        ),
    )


def dialogue(db: sqlite3.Connection, recipient_id: int, attempt_id: int) -> str | None:
    """What was said in an attempt."""
    sql = "SELECT dialogue FROM attempt WHERE id = ? AND recipient = ?"
    row = db.execute(sql, (attempt_id, recipient_id)).fetchone()
    return zlib.decompress(row[0]).decode() if row is not None and row[0] is not None else None
