"""Moving in from the Go server: what is done is seen by the data, and names are safe in the commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.operations.movein import Step, Words, steps
from app.store.account import credentials
from app.store.accounts import Accounts
from tests.support.accounts import add_now, simple_message
from tests.support.configuration import small_live
from tests.support.queues import WEAK


def states(found: list[Step]) -> dict[str, bool | None]:
    return {step.title: step.is_done for step in found}


def test_each_step_is_done_when_the_data_says_so(tmp_path: Path) -> None:
    live, old = small_live(tmp_path), tmp_path / "old server"
    accounts = Accounts(live.data_dir)
    words = Words(old=str(old))
    before = asyncio.run(steps(live, accounts, words))
    name = "jane"
    assert states(before)[f"Import the mail of {name}"] is False
    assert states(before)[f"Give {name} a password"] is False
    account = accounts.open_now(name)
    add_now(account, simple_message(1))
    account.write_now(lambda tx: credentials.set_password(tx, "long enough", WEAK))
    for other in live.dynamic.accounts:
        (old / "export" / other).mkdir(parents=True)
    after = states(asyncio.run(steps(live, accounts, words)))
    assert after[f"Import the mail of {name}"] is True
    assert after[f"Give {name} a password"] is True
    assert after["Have the old server write its mail into folders"] is True
    accounts.close()


def test_directory_with_a_blank_is_one_word_of_a_command(tmp_path: Path) -> None:
    accounts = Accounts((live := small_live(tmp_path)).data_dir)
    found = asyncio.run(steps(live, accounts, Words(old="/srv/old $(x) mox/")))
    accounts.close()
    commands = [command for step in found for command in step.commands]
    assert any("'/srv/old $(x) mox'/export/" in command for command in commands)
    assert all("$(x)" not in command or "'/srv/old $(x) mox'" in command for command in commands)
