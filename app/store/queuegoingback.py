"""The queue when an upgrade is undone: nothing is sent twice, and nothing that was accepted is forgotten."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from app.errors import Refusal, StoreError

_NEWER = "SELECT count(*) FROM present.recipient WHERE id NOT IN (SELECT id FROM recipient)"


def leave_out_finished(copy: Path, present: Path) -> None:
    """Take out of a copy of the queue what was sent or failed since; raises Refusal while the queue has newer mail."""
    try:
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as db:
            db.execute("ATTACH ? AS present", (str(present),))
            (newer,) = db.execute(_NEWER).fetchone()
            if newer:
                raise Refusal(
                    f"{newer} recipients came into the queue since the upgrade; see 'queue list', have them sent with"
                    " 'queue schedule -now 0', or drop them, then try again"
                )
            db.execute("PRAGMA foreign_keys=ON")
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM recipient WHERE id NOT IN (SELECT id FROM present.recipient)")
            db.execute("DELETE FROM message WHERE id NOT IN (SELECT base_id FROM recipient)")
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"cannot compare {copy} with {present}: {error}") from None
