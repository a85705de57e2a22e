"""What is wrong with a data directory is told by a look that changes nothing, and put right where that can be."""

from __future__ import annotations

import asyncio
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Refusal, StoreError
from app.operations.datacheck import Check, Checked, check_data, fix_data
from app.operations.testdata.making import make
from app.store.account.handle import Account
from app.store.datalock import DataInUse, DataLock
from app.store.queuedb import QueueDb
from tests.support.accounts import add_now, simple_message, temporary_account

JANE = "accounts/test0/index.db"
HOW = Check(hashes=True)
KEPT = Path(__file__).parent.parent / "data" / "upgrade"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a data directory with a bit of everything."""
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make(folder / "one", "a password to test"))
    with tarfile.open(folder / "made.tar", "w") as archive:
        archive.add(folder / "one" / "data", "data")
    return folder / "made.tar"


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "data"


def faults(data: Path) -> dict[str, tuple[str, ...]]:
    return {part.place: part.faults for part in check_data(data, HOW) if part.faults}


def change(database: Path, sql: str) -> None:
    with sqlite3.connect(database) as db:
        db.execute(sql)
    db.close()


def large_file(data: Path, place: str) -> Path:
    return next(path for path in sorted((data / place).rglob("*")) if path.is_file())


def test_sound_data_has_no_faults_and_nothing_of_it_changes(data: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.db")}
    parts = list(check_data(data, HOW))
    assert [part for part in parts if part.faults or part.notes] == []
    assert {part.place for part in parts} >= {"server.db", "queue", "accounts/test0", "accounts/test2"}
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*.db")} == before


def damage_pages(data: Path) -> None:
    path = data / JANE
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)


def extra_message_file(data: Path) -> None:
    folder = data / "accounts/test0/msg/extra"
    folder.mkdir()
    (folder / "one").touch()


@pytest.mark.parametrize("rest", [None, b""])
def test_database_that_was_lost_is_not_made_anew(data: Path, rest: bytes | None) -> None:
    """As if nothing had been in it: mail programs would then empty their copies."""
    database = data / JANE
    for path in database.parent.glob("index.db*"):
        path.unlink()
    if rest is not None:
        database.write_bytes(rest)
    with pytest.raises(StoreError, match="gone, or empty"):
        Account("test0", database.parent)
    fixed = {part.place: part for part in fix_data(data, HOW)}["accounts/test0"]
    assert (len(fixed.faults), fixed.fixed) == (1, ())
    assert ("what was in it is lost" if rest is not None else "there is no account") in fixed.faults[0]
    for path in (data / "queue").glob("index.db*"):
        path.unlink()
    with pytest.raises(StoreError, match="gone, or empty"):
        QueueDb.open(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "server.db gone": (lambda data: (data / "server.db").unlink(), "server.db", "missing"),
    "server.db is something else": (
        lambda data: (data / "server.db").write_bytes(b"no database" * 1000),
        "server.db",
        "cannot be read",
    ),
    "server.db newer": (lambda data: change(data / "server.db", "PRAGMA user_version=9999"), "server.db", "9999"),
    "pages overwritten": (damage_pages, "accounts/test0", "malformed"),
    "count wrong": (
        lambda data: change(data / JANE, "UPDATE mailbox SET total = total + 1 WHERE name = 'Inbox'"),
        "accounts/test0",
        "says total",
    ),
    "body changed": (
        lambda data: change(data / JANE, "UPDATE body SET data = zeroblob(length(data)) WHERE id = 1"),
        "accounts/test0",
        "damaged",
    ),
    "message file gone": (lambda data: large_file(data, "accounts/test0/msg").unlink(), "accounts/test0", "missing"),
    "message file extra": (
        extra_message_file,
        "accounts/test0",
        "belongs to no body",
    ),
    "queue body gone": (
        lambda data: change(
            data / "queue/index.db", "DELETE FROM body WHERE message = (SELECT min(message) FROM body)"
        ),
        "queue",
        "its file is missing",
    ),
    "queue recipients gone": (
        lambda data: change(data / "queue/index.db", "DELETE FROM recipient"),
        "queue",
        "no recipient",
    ),
    "queue file extra": (lambda data: (data / "queue/msg/777").touch(), "queue", "belongs to no message"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_told_and_only_where_it_is(data: Path, name: str) -> None:
    damage, place, words = DAMAGE[name]
    damage(data)
    found = faults(data)
    assert list(found) == [place]
    assert words in " ".join(found[place])


@pytest.mark.parametrize("name", ["count wrong", "message file extra", "queue file extra"])
def test_fix_makes_it_sound_and_throws_nothing_away(data: Path, name: str) -> None:
    files = {path.name for path in data.rglob("*") if path.is_file() and "msg" in path.parts}
    DAMAGE[name][0](data)
    fixed = [text for part in fix_data(data, HOW) for text in part.fixed]
    assert len(fixed) == 1
    assert faults(data) == {}
    assert {path.name for path in data.rglob("*") if path.is_file()} >= files
    assert (data / "moved").exists() == ("moved" in fixed[0])


def test_fix_tells_what_it_cannot_put_right(data: Path) -> None:
    large_file(data, "accounts/test0/msg").unlink()
    change(data / "accounts/test1/index.db", "UPDATE mailbox SET total = 9 WHERE name = 'Inbox'")
    parts: dict[str, Checked] = {part.place: part for part in fix_data(data, HOW)}
    assert parts["accounts/test1"].fixed
    assert "missing" in parts["accounts/test0"].faults[0]


def test_fix_is_refused_while_a_server_runs_and_elsewhere(data: Path, tmp_path: Path) -> None:
    with DataLock(data), pytest.raises(DataInUse):
        list(fix_data(data, HOW))
    with pytest.raises(Refusal, match="no data directory"):
        list(fix_data(tmp_path / "other", HOW))
    assert not (tmp_path / "other").exists()


def test_look_at_data_in_use_sees_what_was_written_and_no_faults(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:
        queue = QueueDb.open(tmp_path)
        add_now(account, simple_message(1, "x" * 400_000))
        assert list(faults(tmp_path)) == ["server.db"]
        queue.close()


def test_unknown_files_are_noted_and_data_of_an_earlier_version_is_checked(tmp_path: Path) -> None:
    with tarfile.open(min(KEPT.glob("*.tar.xz"))) as archive:
        archive.extractall(tmp_path)
    data = next(tmp_path.rglob("server.db")).parent
    (data / "notes.txt").touch()
    parts = list(check_data(data, HOW))
    assert [part.faults for part in parts if part.faults] == []
    assert [part.notes for part in parts if part.notes] == [("notes.txt is not of this program",)]
