"""A message as it is queued: its rows, and its bytes as a row or as a file that is durable before the commit.

The functions work in the transaction of `QueueDb.add`, which writes the tables message, recipient and body first.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

from app.errors import StoreError
from app.store.holdrules import must_hold
from app.store.queuerecords import NewMessage, NewRecipient, domain_of
from app.store.spool import MEMORY_LIMIT, Body


def insert(db: sqlite3.Connection, msg_dir: Path, new: NewMessage, now: float) -> list[int]:
    """Queue a message; the numbers of its recipients."""
    if not new.recipients:
        raise StoreError("a message without recipients cannot be queued")
    base_id = _insert_message(db, new, now)
    if new.body.size <= MEMORY_LIMIT:
        db.execute("INSERT INTO body (message, data) VALUES (?, ?)", (base_id, bytes(new.body.data)))
    else:
        _place(msg_dir / str(base_id), new.body)
    return [_insert_recipient(db, base_id, new, recipient, now) for recipient in new.recipients]


def _insert_message(db: sqlite3.Connection, new: NewMessage, now: float) -> int:
    cursor = db.execute(
        """INSERT INTO message (sender_account, queued, prefix, size_bytes, message_id, subject, has_8bit, smtputf8,
            is_dsn, report, ret, envid, future_release, extra, keep_result_s, forwarded_for, has_copy)
            VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)""",
        (
            new.sender_account,
            now,
            new.prefix,
            len(new.prefix) + new.body.size,
            new.message_id,
            new.subject,
            new.has_8bit,
            new.smtputf8,
            new.is_dsn,
            new.report.value,
            new.ret,
            new.envid,
            new.future_release,
            json.dumps(dict(new.extra)) if new.extra else "",
            new.keep_result_s,
            new.forwarded_for,
            new.has_copy,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _insert_recipient(db: sqlite3.Connection, base_id: int, new: NewMessage, to: NewRecipient, now: float) -> int:
    reverse_path = new.reverse_path if to.reverse_path is None else to.reverse_path
    domain = domain_of(to.path)
    cursor = db.execute(
        """INSERT INTO recipient (base_id, reverse_path, recipient, domain, from_id, hold, max_attempts, next_attempt,
            require_tls, transport, notify, orcpt) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)""",
        (
            base_id,
            reverse_path.wire,
            to.path.wire,
            domain,
            to.from_id,
            must_hold(db, new.sender_account, reverse_path.wire.rpartition("@")[2], domain),
            new.max_attempts,
            max(now, new.not_before),
            new.require_tls,
            new.transport,
            to.notify,
            to.orcpt,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _place(path: Path, body: Body) -> None:
    """Give a large body its name in the queue, durably; the spool's own name stays for its owner to discard."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        _fill(part, body)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(part: Path, body: Body) -> None:
    if body.path is not None:
        with contextlib.suppress(OSError):  # another file system, or one without hard links
            os.link(body.path, part)
            return
    with part.open("wb") as file:
        file.write(body.data)
        file.flush()
        os.fsync(file.fileno())
