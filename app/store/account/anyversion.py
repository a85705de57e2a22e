"""An account on disk to be read only, also one that an earlier version of this program left, as backups hold them.

Its database is copied, and the copy brought up to date, so nothing in the directory changes. Raises StoreError for
one of a newer version, and for what is no account.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.errors import StoreError
from app.store.account.readonly import ReadOnlyAccount
from app.store.account.schema import MIGRATIONS
from app.store.sqlite import connect, migrate


@contextlib.contextmanager
def readable(directory: Path) -> Iterator[ReadOnlyAccount]:
    """The account in a directory, until the block ends."""
    path = directory / "index.db"
    if not _is_older(path):
        with ReadOnlyAccount(directory) as account:
            yield account
        return
    with tempfile.TemporaryDirectory(prefix="mox-") as name:
        copy = Path(name) / "index.db"
        try:
            _copy(path, copy)
            (Path(name) / "msg").symlink_to((directory / "msg").absolute())
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path} is of an older version and cannot be copied to be read: {error}") from None
        with ReadOnlyAccount(Path(name)) as account:
            yield account


def _is_older(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with contextlib.closing(connect(path, read_only=True)) as db:
            return 0 < int(db.execute("PRAGMA user_version").fetchone()[0]) < len(MIGRATIONS)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read {path}: {error}") from None


def _copy(path: Path, copy: Path) -> None:
    if path.with_name(path.name + "-wal").exists():
        with contextlib.closing(connect(path, read_only=True)) as db, contextlib.closing(sqlite3.connect(copy)) as new:
            db.backup(new)
    else:
        shutil.copyfile(path, copy)
    with contextlib.closing(connect(copy)) as db:
        migrate(db, MIGRATIONS)
