"""Group commit: what shares a transaction must not share its fate, and nothing is told before it is durable."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from app.errors import StoreError, Temporary
from app.store.sqlite import Database

SCHEMA = ("CREATE TABLE t (n INTEGER PRIMARY KEY, x TEXT)",)


@pytest.fixture
def db(tmp_path: Path):
    database = Database(tmp_path / "test.db", SCHEMA)
    yield database
    database.close()


def insert(n: int, x: str = ""):
    return lambda db: db.execute("INSERT INTO t VALUES (?, ?)", (n, x)).lastrowid


def numbers(database: Database) -> list[int]:
    return database.read_now(lambda db: [n for (n,) in db.execute("SELECT n FROM t ORDER BY n")])


def hold_writer(database: Database) -> threading.Event:
    """Keep the writer busy until the event is set, so that what follows becomes one group."""
    release = threading.Event()
    threading.Thread(target=lambda: database.write_now(lambda _: release.wait(5))).start()
    return release


def test_failing_function_is_rolled_back_alone(db: Database):
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (2, '')")
        raise ValueError("no")

    async def run() -> list[object]:
        release = hold_writer(db)
        tasks = [asyncio.ensure_future(db.write(fn)) for fn in (insert(1), fail, insert(3))]
        await asyncio.sleep(0)
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, failure, third = asyncio.run(run())
    assert (first, third) == (1, 3)
    assert isinstance(failure, ValueError)
    assert numbers(db) == [1, 3]


def test_group_shares_one_commit(db: Database):
    commits = []
    db.write_now(lambda connection: connection.set_trace_callback(lambda sql: commits.append(sql)))

    async def run() -> None:
        release = hold_writer(db)
        tasks = [asyncio.ensure_future(db.write(insert(n))) for n in range(20)]
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert numbers(db) == list(range(20))
    # One for setting the trace, one for the held writer, at most two for the twenty.
    assert commits.count("COMMIT") <= 4


def test_full_disk_fails_the_whole_group_and_the_next_works(db: Database):
    db.write_now(insert(1))
    pages = db.write_now(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    db.write_now(lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchone())
    with pytest.raises(Temporary):
        db.write_now(insert(2, "x" * 100_000))
    db.write_now(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchone())
    db.write_now(insert(3))
    assert numbers(db) == [1, 3]


def test_after_is_called_in_commit_order_even_for_cancelled_writers(db: Database):
    told: list[int] = []

    async def run() -> None:
        release = hold_writer(db)
        tasks = [asyncio.ensure_future(db.write(insert(n), told.append)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert told == [1, 2, 3]
    assert numbers(db) == [1, 2, 3]


def test_reader_sees_one_state_while_the_writer_goes_on(db: Database):
    db.write_now(insert(1))

    def read(connection: sqlite3.Connection) -> tuple[int, int]:
        count = "SELECT count(*) FROM t"
        before = connection.execute(count).fetchone()[0]
        db.write_now(insert(2))
        return before, connection.execute(count).fetchone()[0]

    assert db.read_now(read) == (1, 1)
    assert numbers(db) == [1, 2]


def test_error_while_telling_a_change_keeps_nobody_waiting(db: Database):
    async def run() -> list[object]:
        release = hold_writer(db)
        tasks = [asyncio.ensure_future(db.write(insert(n), after=lambda _: 1 / 0)) for n in (1, 2)]
        await asyncio.sleep(0)
        release.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(run()) == [1, 2]


def test_threads_end_when_there_is_nothing_to_do_and_start_again(db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.store.sqlite.IDLE_S", 0.01)
    before = set(threading.enumerate())
    for turn in range(3):
        db.write_now(insert(turn))
        assert numbers(db) == list(range(turn + 1))
        started = set(threading.enumerate()) - before
        for thread in started:
            thread.join(5)
        assert set(threading.enumerate()) <= before


def test_readers_work_side_by_side_up_to_their_number(db: Database):
    both = threading.Barrier(2)
    readers = [threading.Thread(target=lambda: db.read_now(lambda _: both.wait(5))) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not both.broken


def test_file_that_cannot_be_opened_for_reading_is_temporary(db: Database):
    db.path.rename(db.path.with_suffix(".away"))
    with pytest.raises(Temporary):
        numbers(db)


@pytest.mark.parametrize(("error", "is_kept"), [("SQLITE_FULL", False), ("SQLITE_IOERR", True)])
def test_only_a_full_disk_says_for_certain_that_nothing_was_kept(tmp_path: Path, error: str, is_kept: bool):
    told: list[bool] = []
    database = Database(tmp_path / "test.db", SCHEMA, settled=told.append)
    database.write_now(insert(1))
    database._db = FailingCommit(database._db, getattr(sqlite3, error))  # type: ignore[assignment]
    with pytest.raises(Temporary):
        database.write_now(insert(2))
    database.close()
    assert told == [True, is_kept]


class FailingCommit:
    """A connection whose commits fail the way SQLite's do."""

    def __init__(self, db: sqlite3.Connection, code: int) -> None:
        self.db, self.code = db, code

    def execute(self, sql: str, *arguments: object) -> object:
        if sql == "COMMIT":
            failure = sqlite3.OperationalError("no commit")
            failure.sqlite_errorcode = self.code
            raise failure
        return self.db.execute(sql, *arguments)

    def __getattr__(self, name: str) -> object:
        return getattr(self.db, name)


def test_reader_cannot_write(db: Database):
    with pytest.raises(sqlite3.OperationalError):
        db.read_now(insert(1))


def test_close_finishes_what_was_submitted(tmp_path: Path):
    database = Database(tmp_path / "a.db", SCHEMA)
    release = hold_writer(database)
    threads = [threading.Thread(target=database.write_now, args=(insert(n),)) for n in range(5)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join()
    database.close()
    with pytest.raises(Temporary):
        database.write_now(insert(9))
    again = Database(tmp_path / "a.db", SCHEMA)
    assert numbers(again) == [0, 1, 2, 3, 4]
    again.close()


def test_migrations_run_once_and_in_order(tmp_path: Path):
    path = tmp_path / "m.db"
    Database(path, SCHEMA).close()
    added = (*SCHEMA, "ALTER TABLE t ADD COLUMN y TEXT;\nINSERT INTO t (n, y) VALUES (7, 'new')")
    for _ in range(2):
        database = Database(path, added)
        assert numbers(database) == [7]
        database.close()


def test_failed_migration_changes_nothing(tmp_path: Path):
    path = tmp_path / "m.db"
    Database(path, SCHEMA).close()
    with pytest.raises(StoreError):
        Database(path, (*SCHEMA, "INSERT INTO t (n) VALUES (1);\nINSERT INTO nowhere VALUES (1)"))
    database = Database(path, SCHEMA)
    assert numbers(database) == []
    database.close()


def test_newer_schema_is_refused(tmp_path: Path):
    path = tmp_path / "m.db"
    Database(path, (*SCHEMA, "SELECT 1")).close()
    with pytest.raises(StoreError, match="schema 2"):
        Database(path, SCHEMA)


def test_file_that_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "m.db"
    path.write_bytes(b"not a database, but long enough to look" * 100)
    with pytest.raises(StoreError, match="cannot open"):
        Database(path, SCHEMA)


def test_others_cannot_read_the_files(tmp_path: Path):
    database = Database(tmp_path / "a.db", SCHEMA)
    database.write_now(insert(1))
    modes = {path.name: path.stat().st_mode & 0o007 for path in tmp_path.iterdir()}
    database.close()
    assert len(modes) > 1
    assert set(modes.values()) == {0}
