"""Files of messages stay while a backup goes through them, and go afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.store.account import expunge, mailboxes
from app.store.accounts import Accounts
from app.store.filehold import held, removal
from tests.support.accounts import add_now

LARGE = b"Message-ID: <large@x.example>\r\n\r\n" + b"x" * 300_000 + b"\r\n"


def files(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("accounts/*/msg/*/*"))


def test_removal_is_allowed_when_nobody_holds_and_two_may_hold(tmp_path: Path) -> None:
    with held(tmp_path), held(tmp_path), removal(tmp_path) as is_allowed:
        assert not is_allowed
    with removal(tmp_path) as is_allowed:
        assert is_allowed
    with removal(tmp_path / "gone") as is_allowed:
        assert is_allowed


@pytest.mark.parametrize("is_reopened", [False, True])
def test_file_of_an_erased_message_stays_while_it_is_held_and_goes_later(tmp_path: Path, is_reopened: bool) -> None:
    accounts = Accounts(tmp_path)
    account = accounts.open_now("jane")
    add_now(account, LARGE)
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [1]))
    with held(account.directory):
        asyncio.run(expunge.erase(account, 1000))
        assert len(files(tmp_path)) == 1
        if is_reopened:
            accounts.close()
            account = accounts.open_now("jane")
            assert len(files(tmp_path)) == 1
    if is_reopened:
        accounts.close()
        accounts.open_now("jane")
    else:
        asyncio.run(expunge.erase(account, 1000))
    assert files(tmp_path) == []
    accounts.close()
