"""Values that come often and need not be kept at once: equal ones of a second are written together, with their count.

    folding = Folding(db, store, "evaluations")     # `store` writes values with their counts, in a transaction
    folding.record(value)                           # never waits
    await folding.flush()

A crash loses at most a second, a disk that does not take them what had come by then. When more than MAX_PENDING
different values come in a second, the rest are not kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from typing import Final, Generic, TypeVar

from app.errors import MailError
from app.log import logger
from app.store.sqlite import Database

K = TypeVar("K", bound=Hashable)

MAX_PENDING: Final = 2000
WRITE_INTERVAL_S: Final = 1.0

_LOG = logger("store")


class Folding(Generic[K]):
    """What is not written yet."""

    def __init__(self, db: Database, store: Callable[[sqlite3.Connection, Mapping[K, int]], None], what: str) -> None:
        self._db = db
        self._store = store
        self._what = what
        self._pending: dict[K, int] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    def record(self, value: K) -> None:
        """Remember a value; called on the event loop of the server."""
        known = self._pending.get(value, 0)
        if self._closed or (not known and len(self._pending) >= MAX_PENDING):
            return
        self._pending[value] = known + 1
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush_later())

    async def flush(self) -> None:
        """Write what was recorded."""
        batch, self._pending = self._pending, {}
        if batch:
            await self._db.write(lambda db: self._store(db, batch))

    def close(self) -> None:
        """Write what is left; later values are ignored."""
        self._closed = True
        batch, self._pending = self._pending, {}
        if batch:
            try:
                self._db.write_now(lambda db: self._store(db, batch))
            except MailError as error:
                _LOG.error("what came in the last second is lost", what=self._what, err=error)

    async def _flush_later(self) -> None:
        await asyncio.sleep(WRITE_INTERVAL_S)
        try:
            await self.flush()
        except MailError as error:
            _LOG.error("what came in a second is lost", what=self._what, err=error)
