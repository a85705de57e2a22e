"""Files of large bodies: none without a row, none left by what failed. Closing the account checks that."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.errors import OverQuota, StoreError, Temporary
from app.store.account import bodies, messages
from app.store.account.check import check
from app.store.account.handle import Account
from app.store.account.prepare import prepare
from app.store.spool import MEMORY_LIMIT, Spool
from tests.support.accounts import temporary_account

LARGE = b"Subject: large\r\n\r\n" + b"x" * MEMORY_LIMIT


def incoming(tmp_path: Path, data: bytes = LARGE) -> messages.Incoming:
    spool = Spool(tmp_path)
    spool.write(data)
    return messages.Incoming(mailbox="Inbox", prepared=prepare(spool.finish()))


def files(account) -> list[Path]:
    return [path for path in (account.directory / "msg").glob("*/*") if path.is_file()]


def test_message_over_quota_leaves_no_file(tmp_path: Path):
    with temporary_account(tmp_path, quota_bytes=1000) as account:
        with pytest.raises(OverQuota):
            account.write_now(lambda tx: messages.add(tx, incoming(tmp_path)))
        assert files(account) == []


def test_file_that_was_lost_comes_back_with_the_same_message(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        for size in (None, 0, 100):
            account.write_now(lambda tx: messages.add(tx, incoming(tmp_path)))
            (path,) = files(account)
            path.unlink() if size is None else path.write_bytes(b"x" * size)
            account.write_now(lambda tx: messages.add(tx, incoming(tmp_path)))
            assert check(account, hashes=True) == []


def test_file_goes_again_when_a_later_step_of_its_transaction_fails(tmp_path: Path):
    def add_then_fail(tx):
        messages.add(tx, incoming(tmp_path))
        raise ValueError("no")

    with temporary_account(tmp_path) as account:
        with pytest.raises(ValueError, match="no"):
            account.write_now(add_then_fail)
        assert files(account) == []


def test_full_disk_at_the_commit_leaves_no_file(tmp_path: Path):
    def fill(db: sqlite3.Connection, pages: int) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}")

    with temporary_account(tmp_path) as account:
        database = account.database
        (pages,) = database.read_now(lambda db: db.execute("PRAGMA page_count").fetchone())
        fill(database._db, pages)
        with pytest.raises(Temporary):
            account.write_now(lambda tx: [messages.add(tx, incoming(tmp_path, LARGE + b"%d" % n)) for n in range(99)])
        assert files(account) == []
        fill(database._db, 1 << 30)


def test_same_temporary_file_can_be_stored_again_after_a_failure(tmp_path: Path):
    wanted = incoming(tmp_path)

    def place_twice(tx):
        bodies.put(tx, wanted.prepared.body, wanted.prepared.key)
        tx.db.execute("DELETE FROM body")
        messages.add(tx, wanted)

    with temporary_account(tmp_path) as account:
        account.write_now(place_twice)
        assert [path.suffix for path in files(account)] == [""]


def test_sweep_and_check_find_what_a_crash_left(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        account.write_now(lambda tx: messages.add(tx, incoming(tmp_path)))
        orphan = account.directory / "msg" / "ab" / "ab12"
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"left")
        assert check(account) == ["file ab/ab12 belongs to no body"]
        account.write_now(lambda tx: bodies.sweep(tx.db, tx.msg_dir))
        assert len(files(account)) == 1


def test_check_finds_a_missing_and_a_damaged_file(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        account.write_now(lambda tx: messages.add(tx, incoming(tmp_path)))
        (path,) = files(account)
        path.write_bytes(LARGE[:-1] + b"y")
        assert check(account) == []
        (problem,) = check(account, hashes=True)
        assert "damaged" in problem
        path.unlink()
        (problem,) = check(account, hashes=True)
        assert "missing" in problem
        path.write_bytes(LARGE)


def test_account_whose_folder_of_messages_cannot_be_made_is_not_opened(tmp_path: Path):
    (tmp_path / "jane").mkdir()
    (tmp_path / "jane" / "msg").write_text("no folder")
    with pytest.raises(StoreError, match="folder of messages"):
        Account("jane", tmp_path / "jane")
