"""A junk filter in a file of its own, for experiments: the same counts and the same arithmetic as an account's.

The file is a cache of what it was trained on: it is written without waiting for the disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.errors import StoreError
from app.junk.classifier import Samples, score
from app.junk.features import FORM, Features
from app.junk.verdict import JunkVerdict, verdict_on
from app.store.account import junkcounts
from app.store.sqlite import connect, migrate


class JunkFile:
    """An open filter. It has a verdict from the first message on, whatever it has seen."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @property
    def samples(self) -> Samples:
        """How many messages it has learnt from."""
        return junkcounts.samples(self._db)

    def train(self, numbers: Sequence[int], *, is_junk: bool) -> None:
        """Learn from a message with these features."""
        junkcounts.learn(self._db, numbers, is_junk=is_junk)

    def probability(self, numbers: Sequence[int]) -> float:
        """How likely a message with these features is junk."""
        return score(len(numbers), junkcounts.counts(self._db, numbers), self.samples).probability

    def verdict(self, features: Features) -> JunkVerdict:
        """The same with the words that decide."""
        return verdict_on(features, junkcounts.counts(self._db, features.numbers), self.samples)


@contextmanager
def open_file(path: Path | None, *, must_exist: bool = False) -> Iterator[JunkFile]:
    """The filter in a file, made when absent; None is one in memory. Raises StoreError."""
    if path is not None and must_exist and not path.exists():
        raise StoreError(f"there is no filter {path}; make one with 'junk train'")
    try:
        db = sqlite3.connect(":memory:", isolation_level=None) if path is None else connect(path)
        with contextlib.closing(db):
            db.execute("PRAGMA synchronous=OFF")
            migrate(db, (junkcounts.TABLES,))
            if junkcounts.form(db) != FORM:
                if junkcounts.samples(db) != Samples():
                    raise StoreError(f"filter {path} was made by another version; remove it and train again")
                junkcounts.clear(db)
            db.execute("BEGIN IMMEDIATE")
            yield JunkFile(db)
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"cannot use {path}: {error}") from error
