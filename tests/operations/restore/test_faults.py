"""A restore that fails at any system call leaves nothing that looks whole and is not, and can be run again."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from app.operations.backup.run import Wanted, back_up
from app.operations.testdata.making import make
from app.store.account import expunge, mailboxes
from app.store.accounts import Accounts
from tests.support.faulting import EVERY_CALL, IS_LONG, STRACE, Faults, damage

pytestmark = pytest.mark.skipif(not STRACE, reason="needs strace")


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make(folder, "a password"))
    target = folder / "backup"
    config = folder / "config" / "mox.conf"
    assert not back_up(Wanted(config_path=config, data_dir=folder / "data", target=target), lambda text: None).faults
    return target


@pytest.mark.parametrize("call", EVERY_CALL if IS_LONG else ["pwrite64", "fsync"])
def test_everything_that_failed_has_no_configuration_or_says_what_is_wrong(
    backup: Path, tmp_path: Path, call: str
) -> None:
    faults = Faults(tmp_path / "new", tmp_path / "nothing", ["restore", "all", str(backup)])
    for when in faults.times(call):
        code = faults.fail(call, when)
        is_told = "error: " in faults.said  # the look at the end could not be finished
        is_there = (faults.folder / "config" / "mox.conf").exists()
        if call == "write" and is_there:  # it may only have been the last line that could not be printed
            code = 0
        assert is_there == (code == 0 or is_told), faults.said
        if code == 0:
            assert damage(faults.folder / "data") == [], when


@pytest.mark.parametrize("call", EVERY_CALL if IS_LONG else ["fsync", "rename"])
def test_account_that_failed_is_not_there_and_comes_the_next_time(backup: Path, tmp_path: Path, call: str) -> None:
    start = tmp_path / "start"
    shutil.copytree(backup, start)
    shutil.rmtree(start / "data" / "accounts" / "test0")
    faults = Faults(tmp_path / "mox", start, ["restore", "account", str(backup), "test0"])
    for when in faults.times(call):
        code = faults.fail(call, when)
        is_there = (faults.folder / "data" / "accounts" / "test0").exists()
        if call == "write" and is_there:  # likewise
            code = 0
        assert is_there == (code == 0), faults.said
        assert faults.run() == 0 or code == 0, when
        assert damage(faults.folder / "data") == [], when


@pytest.mark.parametrize("call", EVERY_CALL[:3] if IS_LONG else ["pwrite64"])
def test_mail_that_failed_to_come_comes_the_next_time_and_once(backup: Path, tmp_path: Path, call: str) -> None:
    start = tmp_path / "start"
    shutil.copytree(backup, start)
    accounts = Accounts(start / "data")
    test0 = accounts.open_now("test0")
    whole = count(test0.directory)
    inbox = test0.read_now(lambda db: mailboxes.get(db, "Inbox"))
    test0.write_now(lambda tx: expunge.expunge_all(tx, inbox))
    accounts.close()
    faults = Faults(tmp_path / "mox", start, ["restore", "account", "-missing", str(backup), "test0"])
    for when in faults.times(call):
        faults.fail(call, when)
        assert faults.run() == 0, when
        assert damage(faults.folder / "data") == [], when
        assert count(faults.folder / "data" / "accounts" / "test0") == whole, when


def count(directory: Path) -> int:
    accounts = Accounts(directory.parent.parent)
    account = accounts.open_now(directory.name)
    (found,) = account.read_now(lambda db: db.execute("SELECT count(*) FROM message").fetchone())
    accounts.close()
    return int(found)
