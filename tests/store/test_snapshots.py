"""An upgrade copies a database before it changes it, and can be undone without losing what came since."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import StoreError
from app.store import snapshots
from app.store.sqlite import Database

OLD = ("CREATE TABLE t (n INTEGER PRIMARY KEY)",)
NEW = (*OLD, "ALTER TABLE t ADD COLUMN y TEXT", "CREATE TABLE u (n INTEGER)")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the version before, with one row."""
    folder = tmp_path / "accounts" / "jane"
    (folder / "msg" / "ab").mkdir(parents=True)
    (folder / "msg" / "ab" / "abcd").write_text("large")
    database = Database(folder / "index.db", OLD)
    database.write_now(lambda db: db.execute("INSERT INTO t VALUES (1)"))
    database.close()
    return folder / "index.db"


def upgraded(path: Path, migrations: tuple[str, ...] = NEW) -> None:
    database = Database(path, migrations)
    database.write_now(lambda db: db.execute("INSERT INTO t (n) VALUES ((SELECT max(n) + 1 FROM t))"))
    database.close()


def rows(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return int(db.execute("SELECT count(*) FROM t").fetchone()[0])


def test_copy_is_made_once_before_the_first_change_and_not_of_a_new_database(path: Path, tmp_path: Path) -> None:
    Database(tmp_path / "fresh.db", NEW).close()
    upgraded(path)
    upgraded(path)
    assert sorted(tmp_path.rglob("*.before-*")) == [path.with_name("index.db.before-3")]
    assert (rows(path), rows(path.with_name("index.db.before-3"))) == (3, 1)
    assert path.with_name("index.db.before-3").stat().st_mode & 0o777 == 0o640


def test_upgrade_is_undone_and_what_came_since_is_put_aside(path: Path, tmp_path: Path) -> None:
    upgraded(path)
    [found] = snapshots.find(tmp_path)
    aside = snapshots.undo(found)
    Database(path, OLD).close()
    assert rows(path) == 1
    assert aside == path.parent / "undone-3"
    assert rows(aside / "index.db") == 2
    assert (aside / "msg" / "ab" / "abcd").read_text() == "large"
    assert snapshots.find(tmp_path) == []
    upgraded(path)
    [found] = snapshots.find(tmp_path)
    assert snapshots.undo(found) == path.parent / "undone-3-2"


def test_of_two_upgrades_the_last_is_undone_first(path: Path, tmp_path: Path) -> None:
    upgraded(path, NEW[:2])
    upgraded(path)
    for left in (2, 1):
        [found] = snapshots.find(tmp_path)
        snapshots.undo(found)
        assert rows(path) == left
    assert snapshots.find(tmp_path) == []


def test_copy_of_30_days_ago_goes_and_a_newer_one_stays(path: Path) -> None:
    upgraded(path)
    copy = path.with_name("index.db.before-3")
    for age, is_kept in ((29, True), (31, False)):
        when = copy.stat().st_mtime - age * 86400 if is_kept else 0
        os.utime(copy, (when, when))
        Database(path, NEW).close()
        assert copy.exists() == is_kept
        copy.touch() if is_kept else None


def test_without_room_nothing_is_changed_unless_the_operator_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10, 9, 1))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"no room for a copy of .* MOX_UPGRADE_WITHOUT_COPY=1"):
        Database(path, NEW)
    assert path.read_bytes() == before
    Database(path, OLD).close()
    monkeypatch.setenv("MOX_UPGRADE_WITHOUT_COPY", "1")
    upgraded(path)
    assert rows(path) == 2


def test_failed_upgrade_leaves_the_version_before_working_whatever_step_failed(path: Path) -> None:
    with pytest.raises(StoreError):
        Database(path, (*NEW, "INSERT INTO nowhere VALUES (1)"))
    Database(path, OLD).close()
    assert rows(path) == 1
    upgraded(path)
    assert rows(path) == 2


def test_full_disk_while_upgrading_leaves_the_version_before_working(path: Path) -> None:
    def fill(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA max_page_count=4")  # what SQLite says then is what a full disk makes it say
        db.executemany("INSERT INTO t (n) VALUES (?)", ((number,) for number in range(10, 100_000)))

    with pytest.raises(StoreError, match="full"):
        Database(path, (*NEW, fill))
    Database(path, OLD).close()
    assert rows(path) == 1


def test_copy_that_cannot_be_written_is_told_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*unused: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        Database(path, NEW)
    monkeypatch.undo()
    assert sorted(one.name for one in path.parent.iterdir() if one.is_file()) == ["index.db"]
    Database(path, OLD).close()


class Faulty:
    """Lets so many of the calls that write directories through, and fails all after them, as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
        self.calls = 0
        for name in ("link", "replace", "fsync", "mkdir", "unlink"):
            monkeypatch.setattr(os, name, self._limited(getattr(os, name), allowed))

    def _limited(self, real: Callable[..., None], allowed: int) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            self.calls += 1
            if self.calls > allowed:
                raise OSError(28, "No space left on device")
            real(*arguments, **named)

        return call


def test_undo_that_fails_anywhere_leaves_data_that_opens_and_can_be_done_again(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded(path)
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path / "accounts", whole)
    allowed, is_done = 0, False
    while not is_done:
        shutil.rmtree(tmp_path / "accounts")
        shutil.copytree(whole, tmp_path / "accounts")
        with monkeypatch.context() as patched:
            faulty = Faulty(patched, allowed)
            with contextlib.suppress(StoreError):  # and no other
                snapshots.undo(snapshots.find(tmp_path)[0])
            is_done = faulty.calls <= allowed
        found = snapshots.find(tmp_path)
        Database(path, NEW if found else OLD).close()
        assert rows(path) == (2 if found else 1)
        for one in snapshots.find(tmp_path) if found else ():
            snapshots.undo(one)
        assert rows(path) == 1
        assert any(rows(one) == 2 for one in path.parent.glob("undone-*/index.db"))
        allowed += 1
    assert allowed > 5


def test_upgrade_that_fails_anywhere_leaves_data_that_opens_with_the_version_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, is_done = 0, False
    while not is_done:
        with monkeypatch.context() as patched:
            faulty = Faulty(patched, allowed)
            with contextlib.suppress(StoreError):  # and no other
                Database(path, NEW).close()
            is_done = faulty.calls <= allowed
        if not is_done:
            Database(path, OLD).close()
            assert rows(path) == 1
        allowed += 1
    assert allowed > 3


def test_copy_of_a_try_that_failed_is_not_taken_for_that_of_a_later_upgrade(path: Path) -> None:
    with pytest.raises(StoreError):
        Database(path, (*NEW[:2], "INSERT INTO nowhere VALUES (1)"))
    upgraded(path, OLD)
    upgraded(path)
    assert rows(path.with_name("index.db.before-3")) == 2
