"""Annotations of mailboxes and of the account: small values under names, which clients keep for themselves (RFC 5464).

Names are in lower case, such as `/private/comment`. Values are any bytes, also none at all. Number 0 stands for the
account, which a client sees as its server. How many annotations a mailbox has, and how much room those of all mailboxes
take, is bounded; what would pass a bound is refused as a whole. A mailbox that goes takes its annotations along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Final

from app.errors import AnnotationTooLarge, TooManyAnnotations
from app.store.account.changes import AnnotationsChanged
from app.store.account.handle import Tx

ACCOUNT: Final = 0  # in the place of a mailbox
MAX_COUNT: Final = 1000  # of a mailbox, or of the account itself
MAX_BYTES: Final = 4_000_000  # of an account: names, values, and ROW_BYTES each; ten for each of thousands of mailboxes
MAX_VALUE_BYTES: Final = 64 * 1024
ROW_BYTES: Final = 64


def annotations_of(db: sqlite3.Connection, mailbox_id: int) -> dict[str, bytes]:
    """All annotations of a mailbox, sorted by name."""
    rows = db.execute("SELECT key, value FROM annotation WHERE mailbox_id = ? ORDER BY key", (mailbox_id,))
    return dict(rows.fetchall())


def annotations_named(db: sqlite3.Connection, keys: Collection[str]) -> dict[int, dict[str, bytes]]:
    """The annotations with these names of every mailbox that has one, by its number."""
    found: dict[int, dict[str, bytes]] = {}
    if keys:
        marks = ",".join("?" * len(keys))
        rows = db.execute(f"SELECT mailbox_id, key, value FROM annotation WHERE key IN ({marks})", tuple(keys))
        for mailbox_id, key, value in rows:
            found.setdefault(mailbox_id, {})[key] = value
    return found


def annotate(tx: Tx, mailbox_id: int, values: Mapping[str, bytes | None]) -> int:
    """Set annotations, or remove those whose value is None; returns the modseq, 0 when nothing was to be done.

    Raises AnnotationTooLarge or TooManyAnnotations; nothing of it is kept then.
    """
    if any(len(value) > MAX_VALUE_BYTES for value in values.values() if value is not None):
        raise AnnotationTooLarge(f"an annotation can have {MAX_VALUE_BYTES} bytes at most")
    known = annotations_of(tx.db, mailbox_id)
    changed = {key: value for key, value in values.items() if known.get(key) != value}
    if not changed:
        return 0
    modseq = tx.modseq()
    for key, value in changed.items():
        if value is None:
            tx.db.execute("DELETE FROM annotation WHERE mailbox_id = ? AND key = ?", (mailbox_id, key))
        else:
            tx.db.execute(
                "INSERT INTO annotation (mailbox_id, key, value, createseq, modseq) VALUES (?1, ?2, ?3, ?4, ?4)"
                " ON CONFLICT DO UPDATE SET value = ?3, modseq = ?4",
                (mailbox_id, key, value, modseq),
            )
    if any(value is not None for value in changed.values()):
        _check_room(tx, mailbox_id)
    _note(tx, mailbox_id, tuple(changed))
    return modseq


def _check_room(tx: Tx, mailbox_id: int) -> None:
    query = "SELECT count(*) FROM annotation WHERE mailbox_id = ?"
    (count,) = tx.db.execute(query, (mailbox_id,)).fetchone()
    if count > MAX_COUNT:
        raise TooManyAnnotations(f"a mailbox can have {MAX_COUNT} annotations at most; remove some")
    query = "SELECT total(length(key) + length(value) + ?) FROM annotation"
    (size,) = tx.db.execute(query, (ROW_BYTES,)).fetchone()
    if size > MAX_BYTES:
        raise TooManyAnnotations(f"the annotations of an account can have {MAX_BYTES} bytes at most; remove some")


def _note(tx: Tx, mailbox_id: int, keys: tuple[str, ...]) -> None:
    modseq, name = tx.modseq(), ""
    if mailbox_id != ACCOUNT:
        (name,) = tx.db.execute(
            "UPDATE mailbox SET modseq = ? WHERE id = ? RETURNING name", (modseq, mailbox_id)
        ).fetchone()
    tx.changes.append(AnnotationsChanged(mailbox_id, modseq, name, keys))


def copy_annotations(tx: Tx, source_id: int, target_id: int) -> None:
    """Give a mailbox that has none yet those of another; raises TooManyAnnotations."""
    keys = tuple(annotations_of(tx.db, source_id))
    if not keys:
        return
    tx.db.execute(
        "INSERT INTO annotation (mailbox_id, key, value, createseq, modseq)"
        " SELECT ?1, key, value, ?2, ?2 FROM annotation WHERE mailbox_id = ?3",
        (target_id, tx.modseq(), source_id),
    )
    _check_room(tx, target_id)
    _note(tx, target_id, keys)


def drop_annotations(tx: Tx, mailbox_id: int) -> None:
    """Remove those of a mailbox that goes."""
    tx.db.execute("DELETE FROM annotation WHERE mailbox_id = ?", (mailbox_id,))
