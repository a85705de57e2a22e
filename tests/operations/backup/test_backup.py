"""A backup holds everything as of one moment, under load too, or is plainly not there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Refusal
from app.operations.backup import form
from app.operations.backup.placing import Placing
from app.operations.backup.run import Done, Wanted, back_up
from app.operations.datacheck import Check, check_data
from app.operations.testdata.making import make
from app.store import databasecopy
from app.store.account import expunge, mailboxes
from app.store.account.handle import Tx
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import QueueFilter

LOAD = Path(__file__).parents[2] / "store" / "deliver_forever.py"
WORKER = Path(__file__).with_name("back_up_once.py")
IS_LONG = "MOX_TEST_LONG" in os.environ
MORE_CALLS = ("write", "mkdir", "chmod", "fchown", "ftruncate") if IS_LONG else ()
SYSTEM_CALLS = ("pwrite64", "fsync", "linkat", "rename", *MORE_CALLS)
FAULTS_EACH = 40 if IS_LONG else 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make(folder, "a password"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with config and data, of its own."""
    return Path(shutil.copytree(made, tmp_path / "mox"))


def run(folder: Path, target: Path, earlier: Path | None = None, *, links: bool = True) -> Done:
    config = folder / "config" / "mox.conf"
    wanted = Wanted(config_path=config, data_dir=folder / "data", target=target, earlier=earlier, links=links)
    return back_up(wanted, lambda text: None)


def faults(data: Path) -> list[str]:
    return [text for part in check_data(data, Check(hashes=True)) for text in part.faults]


def tables(database: Path) -> list[str]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return list(db.iterdump())


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_backup_holds_every_row_and_file_and_verifies(folder: Path, tmp_path: Path) -> None:
    (folder / "config" / "dkim").mkdir()
    (folder / "config" / "dkim" / "key.pem").write_text("a key")
    (folder / "data" / "tmp" / "passing").write_text("")
    done = run(folder, tmp_path / "backup")
    assert done.faults == ()
    assert done.linked == 2
    assert faults(tmp_path / "backup" / "data") == []
    databases = sorted(folder.rglob("*.db"))
    assert len(databases) == 5
    for path in databases:
        assert tables(path) == tables(tmp_path / "backup" / path.relative_to(folder))
    kept = {name for name in names(folder) if not name.endswith(("-wal", "-shm", "/lock", "/passing"))}
    assert names(tmp_path / "backup") == kept | {"backup.json"}
    key = tmp_path / "backup" / "data" / "receivedid.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert form.describe(tmp_path / "backup").faults == 0


def test_equal_files_are_linked_to_an_earlier_backup(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "first", links=False)
    done = run(folder, tmp_path / "second", tmp_path / "first", links=False)
    assert (done.files, done.copied_bytes) == (done.linked, 0)
    with sqlite3.connect(folder / "data" / "server.db") as db:
        db.execute("CREATE TABLE more (n)")
    done = run(folder, tmp_path / "third", tmp_path / "second", links=False)
    assert done.files - done.linked == 1
    assert "more" not in "".join(tables(tmp_path / "first" / "data" / "server.db"))
    assert all(path.stat().st_nlink == 1 for path in folder.rglob("msg/*/*"))


def test_message_of_the_queue_is_not_that_of_an_earlier_backup_for_its_number_and_size(tmp_path: Path) -> None:
    for name, data in (("first/msg/1", b"old"), ("queue/msg/1", b"new")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "second").mkdir()
    placing = Placing(tmp_path / "second", tmp_path / "first", links=False)
    placing.message(tmp_path / "queue" / "msg" / "1", Path("msg", "1"))
    assert (tmp_path / "second" / "msg" / "1").read_bytes() == b"new"


def test_archive_that_waits_to_be_imported_is_in_it_and_one_that_arrives_is_not(folder: Path, tmp_path: Path) -> None:
    (imports := folder / "data" / "imports" / "jane").mkdir(parents=True)
    (imports / "7").write_text("an archive")
    (imports / "part-x1").write_text("the begin")
    run(folder, tmp_path / "backup")
    assert names(tmp_path / "backup" / "data" / "imports") == {"jane/7"}


def test_names_of_folders_above_make_no_difference(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "imports" / "mox"))
    with contextlib.closing(sqlite3.connect(folder / "data" / "server.db", isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE more (n)")
        assert (folder / "data" / "server.db-wal").stat().st_size
        run(folder, tmp_path / "backup")
    assert not [name for name in names(tmp_path / "backup") if name.endswith(("-wal", "-shm"))]


def test_database_that_may_not_be_read_is_a_fault_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "odd.db").mkdir()
    placing = Placing(tmp_path / "backup")
    placing.database(tmp_path / "odd.db", Path("odd.db"))
    (fault,) = placing.tally.faults
    assert fault.startswith("odd.db cannot be read: ")
    assert not (tmp_path / "backup" / "odd.db").exists()


def test_what_the_configuration_names_elsewhere_is_told(folder: Path, tmp_path: Path) -> None:
    assert run(folder, tmp_path / "first").notes == ()
    assert form.describe(tmp_path / "first").left_out == ()
    config = folder / "config"
    with open(config / "mox.conf", "a") as file:
        file.write("TLS:\n\tCA:\n\t\tCertFiles:\n\t\t\t- ../elsewhere/ca.pem\n\t\t\t- link.pem\n\t\t\t- inside.pem\n")
        file.write("\t\t\t- live/ca.pem\n")
    (config / "live").symlink_to(tmp_path)
    (config / "link.pem").symlink_to(tmp_path / "far.pem")
    (tmp_path / "far.pem").write_text("certificate")
    (config / "inside.pem").write_text("certificate")
    with open(config / "domains.conf", "a") as file:
        file.write(
            "WebHandlers:\n\t-\n\t\tDomain: a.example\n\t\tPathRegexp: ^/\n\t\tWebStatic:\n\t\t\tRoot: /srv/site\n"
        )
    done = run(folder, tmp_path / "second")
    assert (tmp_path / "second" / "config" / "link.pem").read_text() == "certificate"
    wanted = ("../elsewhere/ca.pem", "live/ca.pem", "/srv/site")
    assert form.describe(tmp_path / "second").left_out == wanted
    assert [note for note in done.notes if note.startswith("not in it: ")] == [
        f"not in it: {name}, which the configuration names; keep a copy" for name in wanted
    ]


@pytest.mark.parametrize(
    "place", ["there", "mox/data/backup", "mox/config/backup", "mox/config/dkim/backup", "nowhere/backup"]
)
def test_place_that_cannot_be_is_refused_and_untouched(folder: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "there").mkdir()
    before = names(tmp_path)
    with pytest.raises(Refusal):
        run(folder, tmp_path / place)
    assert names(tmp_path) == before


def test_backup_is_not_put_into_another(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "first")
    before = names(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "first" / "data")
    for place in ("first/second", "link/second"):
        with pytest.raises(Refusal, match="within the backup"):
            run(folder, tmp_path / place, tmp_path / "first")
    (tmp_path / "link").unlink()
    assert names(tmp_path) == before


def test_earlier_must_be_a_finished_backup(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "first.unfinished")
    for earlier in (folder, tmp_path / "first.unfinished", tmp_path / "gone"):
        with pytest.raises(Refusal):
            run(folder, tmp_path / "second", earlier)


def test_what_a_killed_backup_left_is_replaced(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "backup.unfinished"
    left.mkdir()
    (left / "half").write_text("")
    run(folder, tmp_path / "backup")
    assert not left.exists()
    assert not (tmp_path / "backup" / "half").exists()


def scramble(data: Path) -> str:
    path = data / "accounts" / "test0" / "index.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 8192))
    return "accounts/test0"


def lose_file(data: Path) -> str:
    next(data.glob("accounts/test0/msg/*/*")).unlink()
    return "accounts/test0"


def lose_queue_file(data: Path) -> str:
    next(data.glob("queue/msg/*")).unlink()
    return "queue"


def no_database(data: Path) -> str:
    (data / "server.db").write_bytes(b"no database at all" * 1000)
    return "server.db"


@pytest.mark.parametrize("damage", [scramble, lose_file, lose_queue_file, no_database])
def test_damage_is_told_and_the_rest_is_backed_up(folder: Path, tmp_path: Path, damage: Callable[[Path], str]) -> None:
    place = damage(folder / "data")
    done = run(folder, tmp_path / "backup")
    assert done.faults
    assert all(place in text for text in done.faults)
    whole = {part.place for part in check_data(tmp_path / "backup" / "data", Check(hashes=True)) if not part.faults}
    assert whole >= {"accounts/test1", "accounts/test2"}
    assert form.describe(tmp_path / "backup").faults == len(done.faults)


def empty(tx: Tx) -> None:
    for mailbox in mailboxes.all_mailboxes(tx.db):
        expunge.expunge_all(tx, mailbox)


def test_what_is_erased_between_database_and_files_is_in_the_backup(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, copy_file = folder / "data", databasecopy.copy_file
    before = len(list(data.rglob("msg/*/*"))) + len(list(data.rglob("queue/msg/*")))
    accounts, queue = Accounts(data), QueueDb.open(data)
    account = accounts.open_now("test0")

    def copy_then_erase(source: Path, target: Path) -> None:
        copy_file(source, target)
        if source == data / "accounts" / "test0" / "index.db":
            account.write_now(empty)
            asyncio.run(expunge.erase(account, 1 << 40))
        elif source == data / "queue" / "index.db":
            asyncio.run(queue.drop(QueueFilter()))

    monkeypatch.setattr(databasecopy, "copy_file", copy_then_erase)
    done = run(folder, tmp_path / "backup")
    assert done.linked == before == 2
    assert done.faults == ()
    asyncio.run(expunge.erase(account, 1 << 40))
    queue.close()
    QueueDb.open(data).close()
    accounts.close()
    assert not [path for path in data.rglob("msg/**/*") if path.is_file()]


def numbers(data: Path) -> set[int]:
    with sqlite3.connect(f"file:{data / 'accounts/test/index.db'}?mode=ro", uri=True) as db:
        sql = "SELECT c.message_id FROM content c WHERE id IN (SELECT content_id FROM message)"
        return {int(text.partition("@")[0]) for (text,) in db.execute(sql)}


def test_backups_under_deliveries_and_expunges_are_each_one_state(folder: Path, tmp_path: Path) -> None:
    data = folder / "data"
    with (tmp_path / "said").open("w+") as said:
        load = subprocess.Popen([sys.executable, str(LOAD), str(data), "0", "100000"], stdout=said)
        try:
            for turn in range(4):
                before = wait_for_lines(tmp_path / "said", turn * 150)
                done = run(folder, tmp_path / f"backup{turn}")
                assert done.faults == ()
                kept = {number for number in before if number % 7}
                assert kept <= numbers(tmp_path / f"backup{turn}" / "data")
        finally:
            load.kill()
            load.wait()
    for turn in range(4):
        assert faults(tmp_path / f"backup{turn}" / "data") == []


def wait_for_lines(path: Path, count: int) -> set[int]:
    """The numbers of acknowledged messages, when there are so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {int(number) for number in re.findall(r"^ok ([0-9]+)\n", path.read_text(), re.MULTILINE)}
        if len(found) > count:
            return found
        time.sleep(0.02)
    raise AssertionError("deliveries have stopped")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_failure_of_any_system_call_leaves_a_whole_backup_or_none(folder: Path, tmp_path: Path, call: str) -> None:
    log = tmp_path / "trace"
    target = tmp_path / "backup"
    command = [sys.executable, str(WORKER), str(folder), str(target)]
    subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", *command], check=True)
    count = len(re.findall(rf"\b{call}\(", log.read_text()))
    assert count > 0
    shutil.rmtree(target)
    for when in range(1, count + 1, max(1, count // FAULTS_EACH)):
        inject = f"inject={call}:error=ENOSPC:when={when}"
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject, *command],
            capture_output=True,
            text=True,
        )
        assert "INJECTED" in log.read_text()
        assert not (tmp_path / "backup.unfinished").exists() or call == "mkdir"
        if done.returncode == 0:
            assert faults(target / "data") == []
            shutil.rmtree(target)
        else:
            assert done.stderr.startswith("failed: the backup failed, nothing of it is kept: "), done.stderr
            assert not target.exists()
        assert faults(folder / "data") == []
