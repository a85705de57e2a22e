"""Goes back to what the databases were before an upgrade, so that the version before can run again.

    for one in plan(data_dir): ...
    for one in undo(data_dir): ...          under the lock of the data directory

Every database is put aside before it is replaced, so nothing is lost; what came since can be exported from there. The
queue is compared: what was sent meanwhile is not sent again. Configuration files are left alone, they have no schema.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from app.errors import StoreError
from app.store import snapshots
from app.store.account.copies import Copies
from app.store.queuegoingback import leave_out_finished
from app.store.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingBack:
    """What happens, or happened, to one database."""

    database: str  # below the data directory
    version: int  # the schema it has before
    taken: float  # when the copy was made, seconds since 1970
    newer: int  # messages that came since
    aside: str = ""  # where the database is now, below the data directory; "" when nothing was done yet


def plan(data_dir: Path) -> list[GoingBack]:
    """What `undo` would do; empty when there is nothing to go back to."""
    return [_describe(data_dir, one) for one in snapshots.find(data_dir)]


def undo(data_dir: Path) -> list[GoingBack]:
    """Do it; raises Refusal before anything is changed, StoreError when it ends early: then do it again."""
    found = snapshots.find(data_dir)
    for one in found:
        if one.database == data_dir / "queue" / "index.db":
            leave_out_finished(one.path, one.database)
    return [_describe(data_dir, one, carry_out=True) for one in found]


def _describe(data_dir: Path, snapshot: Snapshot, *, carry_out: bool = False) -> GoingBack:
    taken, newer = snapshot.taken, 0
    if snapshot.database.parent.parent.name == "accounts":
        newer = _newest(snapshot.database) - _newest(snapshot.path)
    aside = str(snapshots.undo(snapshot).relative_to(data_dir)) if carry_out else ""
    return GoingBack(
        database=str(snapshot.database.relative_to(data_dir)),
        version=snapshot.version,
        taken=taken,
        newer=max(0, newer),
        aside=aside,
    )


def _newest(database: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return Copies.mark(db)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read {database}: {error}") from None
