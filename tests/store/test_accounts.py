"""Accounts are opened once, with the quota of the moment, and cost no threads while they are idle."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from app.store.accounts import Accounts, AccountSettings


def test_callers_at_the_same_time_get_the_same_account(tmp_path: Path):
    accounts = Accounts(tmp_path)

    async def run() -> set[int]:
        return {id(account) for account in await asyncio.gather(*(accounts.open("jane") for _ in range(5)))}

    assert len(asyncio.run(run())) == 1
    accounts.close()


def test_open_gives_the_quota_that_is_configured_now(tmp_path: Path):
    quota = [1000]
    accounts = Accounts(tmp_path, lambda name: AccountSettings(quota_bytes=quota[0]))

    async def run() -> list[int]:
        found = [(await accounts.open("jane")).quota_bytes]
        quota[0] = 2000
        return [*found, (await accounts.open("jane")).quota_bytes]

    assert asyncio.run(run()) == [1000, 2000]
    accounts.close()


def test_idle_accounts_keep_no_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.store.sqlite.IDLE_S", 0.01)
    before = set(threading.enumerate())
    accounts = Accounts(tmp_path)
    for number in range(20):
        accounts.open_now(f"account{number}")
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
    accounts.close()
