"""One SQLite database: a writer thread with group commit, and a small pool of readers.

`await db.write(fn)` runs `fn(connection)` on the database's writer thread and returns its result when that is on
stable storage (WAL, synchronous=FULL). Functions that wait together run in one transaction, each in its own savepoint,
and commit with one fsync; a function that raises is rolled back alone. `await db.read(fn)` runs on a read-only
connection in another thread, so a long search never holds up a delivery. `write_now` and `read_now` are the same for
callers without an event loop: the command line and tests.

A write may name a function to be called with the result after the commit, on the caller's event loop and in the order
of commits, even when the caller has gone meanwhile: that is how changes are told to others.

What goes wrong: a function's own exception reaches its caller. When the commit itself fails (disk full, I/O error) all
functions of that group fail with `Temporary`, nothing of them is kept, and the next group starts afresh.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

from app.errors import StoreError, Temporary
from app.log import logger

log = logger("store")

T = TypeVar("T")
Migration = str | Callable[[sqlite3.Connection], None]

MAX_GROUP = 256  # functions that share one commit; more would make the first of them wait too long
READERS = 2
CACHE_KIB = 8 * 1024
MMAP_BYTES = 256 << 20
WAL_PAGES = 4000  # a checkpoint about every 16 MB of WAL: seldom enough to write hot pages once


class _Job:
    """One function that waits for the writer."""

    __slots__ = ("after", "done", "fn", "loop", "result")

    def __init__(
        self,
        fn: Callable[[sqlite3.Connection], object],
        after: Callable[[object], None] | None,
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.fn = fn
        self.after = after
        self.loop = loop
        self.done: asyncio.Future[object] | Future[object] = loop.create_future() if loop else Future()
        self.result: object = None


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """An open connection with the pragmas of this program; transactions are explicit."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
    db.execute("PRAGMA busy_timeout=5000")
    if not read_only:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    db.execute(f"PRAGMA mmap_size={MMAP_BYTES}")
    db.execute("PRAGMA temp_store=MEMORY")
    return db


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring the database to the newest schema, each numbered step in a transaction of its own."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StoreError(f"the database has schema {version}, this program knows only up to {len(migrations)}")
    for number in range(version + 1, len(migrations) + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            _apply(db, migrations[number - 1])
            db.execute(f"PRAGMA user_version={number}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _apply(db: sqlite3.Connection, step: Migration) -> None:
    if not isinstance(step, str):
        step(db)
        return
    for statement in step.split(";\n"):
        if statement.strip():
            db.execute(statement)


class Database:
    """An open database file with its writer thread and readers."""

    def __init__(self, path: Path, migrations: Sequence[Migration], *, readers: int = READERS) -> None:
        self.path = path
        try:
            self._db = connect(path)
            migrate(self._db, migrations)
        except sqlite3.DatabaseError as err:
            raise StoreError(f"cannot open {path}: {err}") from err
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._local = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []
        self._read_pool = ThreadPoolExecutor(readers, thread_name_prefix=f"read-{path.parent.name}")
        self._writer: threading.Thread | None = None

    async def write(self, fn: Callable[[sqlite3.Connection], T], after: Callable[[T], None] | None = None) -> T:
        """Run `fn` in a transaction; returns its result when that is durable and `after` has been told."""
        job = self._submit(fn, after, asyncio.get_running_loop())
        return cast(T, await cast("asyncio.Future[object]", job.done))

    def write_now(self, fn: Callable[[sqlite3.Connection], T], after: Callable[[T], None] | None = None) -> T:
        """The same for a caller that is no coroutine; blocks. `after` is called on the writer thread."""
        return cast(T, self._submit(fn, after, None).done.result())

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` on a read-only connection; it sees one consistent state."""
        return await asyncio.get_running_loop().run_in_executor(self._read_pool, self._read, fn)

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """The same for a caller that is no coroutine; blocks."""
        return self._read_pool.submit(self._read, fn).result()

    def close(self) -> None:
        """Finish what was submitted, then close; later calls do nothing."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
        self._read_pool.shutdown()
        for db in self._reader_connections:
            db.close()
        self._db.close()

    def _submit(
        self,
        fn: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None,
        loop: asyncio.AbstractEventLoop | None,
    ) -> _Job:
        if self._closed:
            raise Temporary(f"{self.path.name} is closed")
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_loop, name=f"write-{self.path.parent.name}", daemon=True)
            self._writer.start()
        job = _Job(fn, cast("Callable[[object], None] | None", after), loop)
        self._jobs.put(job)
        return job

    def _read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = connect(self.path, read_only=True)
            self._local.db = db
            self._reader_connections.append(db)
        db.execute("BEGIN")
        try:
            return fn(db)
        finally:
            db.execute("COMMIT")

    def _write_loop(self) -> None:
        while (first := self._jobs.get()) is not None:
            group = [first]
            last = False
            while len(group) < MAX_GROUP and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    last = True
                    break
                group.append(job)
            self._run_group(group)
            if last:
                return

    def _run_group(self, group: list[_Job]) -> None:
        """Run the functions in one transaction and settle their futures after the commit."""
        finished: list[_Job] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            finished = [job for job in group if self._run_in_savepoint(job, alone=len(group) == 1)]
            self._db.execute("COMMIT")
        except sqlite3.Error as err:
            self._abandon()
            log.error("database commit failed", path=self.path.name, err=err)
            failure = Temporary(f"cannot write {self.path.name}: {err}")
            _settle([job for job in group if not job.done.done()], failure)
            return
        _settle(finished, None)

    def _run_in_savepoint(self, job: _Job, *, alone: bool) -> bool:
        """Whether the function succeeded; when it raised, its changes are undone and its caller is told."""
        self._db.execute("SAVEPOINT job")
        try:
            job.result = job.fn(self._db)
        except (Exception, asyncio.CancelledError) as err:
            if not self._db.in_transaction:
                raise sqlite3.OperationalError(f"transaction ended by: {err}") from err
            self._db.execute("ROLLBACK TO job")
            self._db.execute("RELEASE job")
            _settle([job], _as_temporary(err))
            return False
        self._db.execute("RELEASE job")
        return True

    def _abandon(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as err:
            log.error("database rollback failed", path=self.path.name, err=err)


def _as_temporary(err: BaseException) -> BaseException:
    """Trouble of the disk or a lock is worth another try; a broken constraint is our own mistake and stays one."""
    if isinstance(err, sqlite3.OperationalError | OSError):
        failure = Temporary(f"cannot write: {err}")
        failure.__cause__ = err
        return failure
    return err


def _settle(jobs: list[_Job], failure: BaseException | None) -> None:
    """Tell the callers, with one wake-up per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        if loop is None:
            _resolve(waiting, failure)
            continue
        try:
            loop.call_soon_threadsafe(_resolve, waiting, failure)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            log.warn("event loop gone before a write was reported", jobs=len(waiting))


def _resolve(jobs: list[_Job], failure: BaseException | None) -> None:
    for job in jobs:
        if failure is None and job.after is not None:
            job.after(job.result)
        if job.done.done():  # cancelled by its caller; the work stands all the same
            continue
        if failure is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(failure)
