"""What was expunged is erased once no session can ask for it, and not before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.errors import Temporary
from app.store.account import erasing, expunge, mailboxes
from app.store.sqlite import Database
from tests.support.accounts import add_now, simple_message, temporary_account


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(erasing, "DELAY_S", 0.0)
    with temporary_account(tmp_path) as account:
        yield account


class Session:
    """A reader that was told everything but one removal."""

    def __init__(self, untold: int | None) -> None:
        self.untold = untold

    def oldest_untold(self) -> int | None:
        return self.untold


async def remove(account, uid: int) -> int:
    await account.write(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [uid]))
    (modseq,) = await account.read(lambda db: db.execute("SELECT modseq FROM account_state").fetchone())
    return int(modseq)


async def settle(account) -> int:
    """Let the eraser do what is due; returns how many contents are left."""
    while account.eraser._timer is not None or (account.eraser._task and not account.eraser._task.done()):
        await account.read(lambda db: None)
    (count,) = await account.read(lambda db: db.execute("SELECT count(*) FROM content").fetchone())
    return int(count)


def test_content_waits_for_the_slowest_session(account):
    async def run() -> list[int]:
        first = await remove(account, 1)
        slow = Session(untold=first + 1)
        account.eraser.readers.add(slow)
        await remove(account, 2)
        left = [await settle(account)]
        slow.untold = None
        account.eraser.kick()
        return [*left, await settle(account)]

    for number in (1, 2, 3):
        add_now(account, simple_message(number))
    assert asyncio.run(run()) == [2, 1]


def test_failure_is_tried_again(account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(erasing, "RETRY_S", 0.0)
    write, failures = Database.write, [Temporary("disk full")]

    async def write_or_fail(self, fn, after=None):
        if failures and account.eraser._timer is None and account.eraser._task is not None:
            raise failures.pop()
        return await write(self, fn, after)

    async def run() -> int:
        monkeypatch.setattr(Database, "write", write_or_fail)
        await remove(account, 1)
        return await settle(account)

    add_now(account, simple_message(1))
    assert asyncio.run(run()) == 0
    assert failures == []


def test_closing_leaves_no_timer(account):
    async def run() -> object:
        await remove(account, 1)
        account.eraser.close()
        account.eraser.kick()
        return account.eraser._timer

    add_now(account, simple_message(1))
    assert asyncio.run(run()) is None
