"""An account that another process may have open, to be read only: nothing of it is made, changed or migrated.

SQLite lets any number of processes read while one writes. Raises StoreError when there is no account in the directory,
or one of another version of this program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from app.errors import StoreError
from app.store.account.schema import MIGRATIONS
from app.store.sqlite import connect

T = TypeVar("T")


class ReadOnlyAccount:
    """An account on disk."""

    def __init__(self, directory: Path) -> None:
        path = directory / "index.db"
        if not path.is_file():
            raise StoreError(f"there is no account in {directory}")
        self.directory = directory
        try:
            self._db = connect(path, read_only=True)
            self._db.execute("PRAGMA mmap_size=0")  # what is read once needs no memory afterwards
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {path}: {error}") from None
        if version != len(MIGRATIONS):
            self.close()
            if version == 0:
                raise StoreError(f"{path} is empty: what was in it is lost; bring it back from a backup")
            which = "a newer" if version > len(MIGRATIONS) else "an older"
            raise StoreError(f"{path} is of {which} version; start the server of this version once, then try again")

    def __enter__(self) -> ReadOnlyAccount:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` on one consistent state of the account."""
        try:
            self._db.execute("BEGIN")
            try:
                return fn(self._db)
            finally:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self.directory / 'index.db'}: {error}") from None

    def close(self) -> None:
        """Let go of it."""
        self._db.close()
