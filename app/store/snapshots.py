"""Copies of databases that are made before an upgrade changes them: `index.db.before-12` is from before schema 12.

`take` copies whole and durable, or raises StoreError and leaves nothing; without room for a copy there is no upgrade,
and the version from before goes on working. Who has a backup and no room sets MOX_UPGRADE_WITHOUT_COPY=1. Copies that
are older than `KEEP_S` go when the database is opened.

`undo` puts a copy back. What came since the upgrade is not lost: the present database and its message files are put
aside first, as a directory `undone-12` of the same form, from which `export` reads.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import StoreError
from app.store import databasecopy

KEEP_S: Final = 30 * 86400
SPARE_BYTES: Final = 16 << 20  # that must stay free beside the copy, for the upgrade itself
WITHOUT_COPY: Final = "MOX_UPGRADE_WITHOUT_COPY"

_NAME: Final = re.compile(r"(.+\.db)\.before-([0-9]{1,6})")
_PLACES: Final = ("*", "accounts/*")  # below the data directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A copy, the database it is of, and the schema that the upgrade brought."""

    path: Path
    database: Path
    version: int

    @property
    def taken(self) -> float:
        """When it was made, seconds since 1970."""
        return self.path.stat().st_mtime

    @property
    def is_current(self) -> bool:
        """Whether the database is as that upgrade left it, and no later one changed it."""
        return self.database.is_file() and _version(self.database) == self.version


def take(db: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy a database that is about to get schema `version`; the copy of an earlier try, which failed, goes."""
    if os.environ.get(WITHOUT_COPY) == "1":
        return
    target = path.with_name(f"{path.name}.before-{version}")
    _require_room(db, path)
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        databasecopy.copy(db, part)
        os.replace(part, target)
        databasecopy.sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):  # the next try begins with it
            part.unlink(missing_ok=True)
        raise StoreError(f"cannot copy {path} before its upgrade: {error}; nothing was changed") from None


def _require_room(db: sqlite3.Connection, path: Path) -> None:
    pages, page_size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    needed, free = pages * page_size + SPARE_BYTES, shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"no room for a copy of {path} before its upgrade: {needed >> 20} MB are needed, {free >> 20} MB are free;"
            f" nothing was changed. Make room, or, with a backup, start with {WITHOUT_COPY}=1 in the environment"
        )


def drop_old(path: Path) -> None:
    """Remove the copies of a database that was opened and did well for long enough."""
    for snapshot in _beside(path.parent):
        with contextlib.suppress(OSError):
            if snapshot.database == path and time.time() - snapshot.taken > KEEP_S:
                snapshot.path.unlink()


def find(data_dir: Path) -> list[Snapshot]:
    """The copies that can be put back: of each database the newest, if the database did not change its schema since."""
    folders = [data_dir, *(folder for place in _PLACES for folder in data_dir.glob(place) if folder.is_dir())]
    found = [one for folder in folders for one in _beside(folder) if one.is_current]
    return sorted(found, key=lambda one: one.database)


def _beside(folder: Path) -> Iterator[Snapshot]:
    for entry in os.scandir(folder):
        if named := _NAME.fullmatch(entry.name):
            yield Snapshot(path=Path(entry.path), database=folder / named[1], version=int(named[2]))


def undo(snapshot: Snapshot) -> Path:
    """Put the copy in place of the database, which nobody may have open; returns where the database is now."""
    try:
        _settle(snapshot.database)
        aside = _put_aside(snapshot)
        os.replace(snapshot.path, snapshot.database)
        databasecopy.sync(snapshot.database.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot put back {snapshot.path}: {error}") from None
    return aside


def _settle(database: Path) -> None:
    """Bring all into the file itself, so that no log is left that belongs to it."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        (is_busy, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise StoreError(f"{database} is in use")
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _put_aside(snapshot: Snapshot) -> Path:
    """A directory with the database and, as hard links, the message files."""
    folder = snapshot.database.parent
    name = f"undone-{snapshot.version}"
    more = (folder / f"{name}-{number}" for number in itertools.count(2))
    aside = next(path for path in itertools.chain([folder / name], more) if not path.exists())
    aside.mkdir(mode=0o750)
    os.link(snapshot.database, aside / snapshot.database.name)
    for path in (folder / "msg").rglob("*"):
        if path.is_file():
            target = aside / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            os.link(path, target)
    databasecopy.sync(aside)
    return aside


def _version(database: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        return -1
