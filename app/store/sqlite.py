"""One SQLite database: a writer thread with group commit, and a small pool of readers.

`await db.write(fn)` runs `fn(connection)` on the database's writer thread and returns its result when that is on
stable storage (WAL, synchronous=FULL). Functions that wait together run in one transaction, each in its own savepoint,
and commit with one fsync; a function that raises is rolled back alone. `await db.read(fn)` runs on a read-only
connection in another thread, so a long search never holds up a delivery. `write_now` and `read_now` are the same for
callers without an event loop: the command line and tests. Threads start when there is work and end, readers with their
connection, when there was none for `IDLE_S`: an account that nobody uses costs one connection and no thread.

A write may name a function to be called with the result after the commit, on the caller's event loop and in the order
of commits, even when the caller has gone meanwhile: that is how changes are told to others.

What goes wrong: a function's own exception reaches its caller. When the commit itself fails (disk full, I/O error) all
functions of that group fail with `Temporary`, nothing of them is kept, and the next group starts afresh. Disk trouble
of a reader is `Temporary` too.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, cast

from app.errors import StoreError, Temporary
from app.log import logger
from app.store import snapshots

log = logger("store")

T = TypeVar("T")
Migration = str | Callable[[sqlite3.Connection], None]

MAX_GROUP = 256  # functions that share one commit; more would make the first of them wait too long
READERS = 2
IDLE_S = 20.0  # after which a thread without work ends
CACHE_KIB = 8 * 1024
MMAP_BYTES = 256 << 20
WAL_PAGES = 4000  # a checkpoint about every 16 MB of WAL: seldom enough to write hot pages once


class _Job:
    """One function that waits for a thread."""

    __slots__ = ("after", "done", "fn", "loop", "result")

    def __init__(
        self,
        fn: Callable[[sqlite3.Connection], object],
        loop: asyncio.AbstractEventLoop | None,
        after: Callable[[object], None] | None = None,
    ) -> None:
        self.fn = fn
        self.after = after
        self.loop = loop
        self.done: asyncio.Future[object] | Future[object] = loop.create_future() if loop else Future()
        self.result: object = None


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """An open connection with the pragmas of this program; transactions are explicit."""
    if not read_only and not path.exists():
        path.touch(mode=0o640)  # SQLite gives its WAL the mode of the database
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


def way_back(path: Path) -> str:
    """What to do about a database that cannot be used."""
    return f"Bring the file back; or move the folder {path.parent} away, and then bring it back with 'restore'"


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring the database to the newest schema, all in one transaction: when it fails, the version before can go on."""
    version, newest = _version(db), len(migrations)
    if version > newest:
        raise StoreError(
            f"the database has schema {version}, this program knows only up to {newest};"
            " use the newer version of this program, or go back with its command 'undoupgrade'"
        )
    if version == newest:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in migrations[_version(db) :]:
            _apply(db, step)
        db.execute(f"PRAGMA user_version={newest}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself ends one when the disk is full
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    """The number of the last step that was taken; 0 for a new database."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _prepare(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Bring an opened database up to date, with a copy of what it was."""
    if 0 < _version(db) < len(migrations):
        snapshots.take(db, path, len(migrations))
        log.info("database gets a new schema", path=path, before=_version(db), after=len(migrations))
    migrate(db, migrations)
    snapshots.drop_old(path)


def _apply(db: sqlite3.Connection, step: Migration) -> None:
    if not isinstance(step, str):
        step(db)
        return
    for statement in step.split(";\n"):
        if statement.strip():
            db.execute(statement)


class Database:
    """An open database file with its writer thread and readers."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        *,
        readers: int = READERS,
        settled: Callable[[bool], None] = lambda is_kept: None,
    ) -> None:
        """`settled` is called on the writer thread after each group: False when certainly nothing of it was kept."""
        self.path = path
        self._settled = settled
        try:
            self._db = connect(path)
            try:
                _prepare(self._db, path, migrations)
            except BaseException:
                self._db.close()
                raise
        except sqlite3.DatabaseError as err:
            is_lost = getattr(err, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
            raise StoreError(f"cannot open {path}: {err}. {way_back(path) if is_lost else ''}".rstrip()) from err
        self._closed = False
        self._writers = _Workers(f"write-{path.parent.name}", 1, self._write_loop)
        self._readers = _Workers(f"read-{path.parent.name}", readers, self._read_loop)

    async def write(self, fn: Callable[[sqlite3.Connection], T], after: Callable[[T], None] | None = None) -> T:
        """Run `fn` in a transaction; returns its result when that is durable and `after` has been told."""
        job = self._submit(self._writers, _Job(fn, asyncio.get_running_loop(), _untyped(after)))
        return cast(T, await cast("asyncio.Future[object]", job.done))

    def write_now(self, fn: Callable[[sqlite3.Connection], T], after: Callable[[T], None] | None = None) -> T:
        """The same for a caller that is no coroutine; blocks. `after` is called on the writer thread."""
        return cast(T, self._submit(self._writers, _Job(fn, None, _untyped(after))).done.result())

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` on a read-only connection; it sees one consistent state."""
        job = self._submit(self._readers, _Job(fn, asyncio.get_running_loop()))
        return cast(T, await cast("asyncio.Future[object]", job.done))

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """The same for a caller that is no coroutine; blocks."""
        return cast(T, self._submit(self._readers, _Job(fn, None)).done.result())

    def close(self) -> None:
        """Finish what was submitted, then close; later calls do nothing."""
        if self._closed:
            return
        self._closed = True
        self._writers.close()
        self._readers.close()
        self._db.close()

    def _submit(self, workers: _Workers, job: _Job) -> _Job:
        if self._closed:
            raise Temporary(f"{self.path.name} is closed")
        workers.put(job)
        return job

    def _read_loop(self, workers: _Workers) -> None:
        db: sqlite3.Connection | None = None
        while (job := workers.next()) is not None:
            try:
                db = db or connect(self.path, read_only=True)
                job.result = _read(db, job.fn)
            except Exception as err:
                _settle([job], err if _is_misuse(err) else _as_temporary(err, "read"))
            else:
                _settle([job], None)
        if db is not None:
            db.close()

    def _write_loop(self, workers: _Workers) -> None:
        while (first := workers.next()) is not None:
            self._run_group([first, *workers.more(MAX_GROUP - 1)])

    def _run_group(self, group: list[_Job]) -> None:
        """Run the functions in one transaction and settle their futures after the commit."""
        finished: list[_Job] = []
        is_committing = False
        try:
            self._db.execute("BEGIN IMMEDIATE")
            finished = [job for job in group if self._run_in_savepoint(job)]
            is_committing = True
            self._db.execute("COMMIT")
        except sqlite3.Error as err:
            self._abandon()
            log.error("database commit failed", path=self.path.name, err=err)
            # A commit that failed for another reason than room may yet be found in the WAL after a crash.
            self._settled(is_committing and getattr(err, "sqlite_errorcode", 0) != sqlite3.SQLITE_FULL)
            failure = Temporary(f"cannot write {self.path.name}: {err}")
            _settle([job for job in group if not job.done.done()], failure)
            return
        self._settled(True)
        _settle(finished, None)

    def _run_in_savepoint(self, job: _Job) -> bool:
        """Whether the function succeeded; when it raised, its changes are undone and its caller is told."""
        self._db.execute("SAVEPOINT job")
        try:
            job.result = job.fn(self._db)
        except (Exception, asyncio.CancelledError) as err:
            if not self._db.in_transaction:
                raise sqlite3.OperationalError(f"transaction ended by: {err}") from err
            self._db.execute("ROLLBACK TO job")
            self._db.execute("RELEASE job")
            _settle([job], _as_temporary(err, "write"))
            return False
        self._db.execute("RELEASE job")
        return True

    def _abandon(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as err:
            log.error("database rollback failed", path=self.path.name, err=err)


class _Workers:
    """Up to `most` threads that run `work`, each started when nobody is free and ended when there is nothing to do."""

    __slots__ = ("_free", "_jobs", "_lock", "_most", "_name", "_threads", "_work")

    def __init__(self, name: str, most: int, work: Callable[[_Workers], None]) -> None:
        self._name = name
        self._most = most
        self._work = work
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._free = 0  # threads that wait, less jobs that wait for them

    def put(self, job: _Job) -> None:
        """Have a thread do it."""
        with self._lock:
            self._jobs.put(job)
            self._free -= 1
            if self._free < 0 and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, args=(self,), name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()

    def next(self) -> _Job | None:
        """What the calling thread does next; None when it is to end, which it then must."""
        with self._lock:
            self._free += 1
        try:
            return self._jobs.get(timeout=IDLE_S)
        except queue.Empty:
            pass
        with self._lock:
            with contextlib.suppress(queue.Empty):
                return self._jobs.get_nowait()
            self._free -= 1
            self._threads.discard(threading.current_thread())
            return None

    def more(self, most: int) -> list[_Job]:
        """What else waits, without waiting for it; for a single thread."""
        found: list[_Job] = []
        while len(found) < most and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)  # the end, after what was submitted before it
                break
            found.append(job)
        if found:
            with self._lock:
                self._free += len(found)
        return found

    def close(self) -> None:
        """Finish what was submitted and end the threads."""
        with self._lock:
            threads = list(self._threads)
            for _ in threads:
                self._jobs.put(None)
        for thread in threads:
            thread.join()


def _untyped(after: Callable[[T], None] | None) -> Callable[[object], None] | None:
    return cast("Callable[[object], None] | None", after)


def _read(db: sqlite3.Connection, fn: Callable[[sqlite3.Connection], object]) -> object:
    db.execute("BEGIN")
    try:
        return fn(db)
    finally:
        if db.in_transaction:
            db.execute("COMMIT")


def _is_misuse(err: Exception) -> bool:
    """Whether a reader broke the rules: wrong SQL, or a write."""
    return getattr(err, "sqlite_errorcode", 0) in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY)


def _as_temporary(err: BaseException, what: str) -> BaseException:
    """Trouble of the disk or a lock is worth another try; a broken constraint is our own mistake and stays one."""
    if isinstance(err, sqlite3.OperationalError | OSError):
        failure = Temporary(f"cannot {what}: {err}")
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
            _tell(job.after, job.result)
        if job.done.done():  # cancelled by its caller; the work stands all the same
            continue
        if failure is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(failure)


def _tell(after: Callable[[object], None], result: object) -> None:
    """Call `after`; an error in it must not keep the other writers of the group waiting for ever."""
    try:
        after(result)
    except Exception as err:
        log.error("telling a change failed", trace="".join(traceback.format_exception(err)))
