"""The filter as programs that measure filters want it: a class over a file of counts.

    python3 evaluate.py CORPUS py:tests/junk/corpus.py:Filter --mode online --threshold 0.9

The class judges from the first message on, as the measures of young filters want it; an account has no verdict before
`classifier.MIN_SAMPLES`. DEVELOP.md has the figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.junk.classifier import score
from app.junk.features import features_of
from app.store.account import junkcounts
from app.store.account.junkcounts import Lesson
from app.store.sqlite import connect, migrate
from app.wire.message.part import parse_message


class Filter:
    """A filter in a directory of its own."""

    def __init__(self, directory: str) -> None:
        self._path = Path(directory) / "junk.db"
        self._db = connect(self._path)
        self._db.execute("PRAGMA synchronous=OFF")
        migrate(self._db, (junkcounts.TABLES,))
        self._lessons: dict[tuple[bytes, bool], list[Lesson]] = {}

    def train(self, raw: bytes, is_junk: bool) -> None:
        """Learn from a message."""
        self._db.execute("BEGIN")
        lesson = junkcounts.learn(self._db, _numbers(raw), is_junk=is_junk)
        self._db.execute("COMMIT")
        self._lessons.setdefault((raw, is_junk), []).append(lesson)

    def untrain(self, raw: bytes, is_junk: bool) -> None:
        """Take that back."""
        self._db.execute("BEGIN")
        junkcounts.take_back(self._db, self._lessons[raw, is_junk].pop())
        self._db.execute("COMMIT")

    def score(self, raw: bytes) -> float:
        """How likely it is junk."""
        numbers = _numbers(raw)
        return score(len(numbers), junkcounts.counts(self._db, numbers), junkcounts.samples(self._db)).probability

    def size(self) -> int:
        """Bytes on disk."""
        self._db.execute("PRAGMA wal_checkpoint")
        return self._path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _numbers(raw: bytes) -> tuple[int, ...]:
    return features_of(raw, parse_message(raw)).numbers
