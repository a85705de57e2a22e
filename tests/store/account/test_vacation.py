"""The vacation answer of an account: when it holds, and who hears it how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.store.account import vacation
from app.store.account.vacation import AGAIN_S, MAX_IN_DAY, Vacation
from tests.support.accounts import temporary_account
from tests.support.clock import SetClock


@pytest.mark.parametrize(
    ("one", "holds"),
    [
        (Vacation(), False),
        (Vacation(is_on=True), True),
        (Vacation(is_on=False, begins=50, ends=150), False),
        (Vacation(is_on=True, begins=100), True),
        (Vacation(is_on=True, begins=101), False),
        (Vacation(is_on=True, ends=101), True),
        (Vacation(is_on=True, ends=100), False),
    ],
)
def test_it_holds_in_its_time(one: Vacation, holds: bool) -> None:
    assert one.holds(100) is holds


def test_each_sender_is_told_once_and_again_after_a_week(tmp_path: Path) -> None:
    clock = SetClock(1_000_000.0)
    with temporary_account(tmp_path) as account:
        account.clock = clock
        turn = lambda sender: account.write_now(lambda tx: vacation.take_turn(tx, sender))  # noqa: E731
        assert [turn("a"), turn("a"), turn("b")] == [True, False, True]
        clock.time += AGAIN_S - 1
        assert not turn("a")
        clock.time += 1
        assert turn("a")


def test_no_more_than_so_many_are_told_in_a_day(tmp_path: Path) -> None:
    clock = SetClock(1_000_000.0)
    with temporary_account(tmp_path) as account:
        account.clock = clock
        told = [account.write_now(lambda tx, n=n: vacation.take_turn(tx, str(n))) for n in range(MAX_IN_DAY + 5)]
        assert told == [True] * MAX_IN_DAY + [False] * 5
        clock.time += vacation.DAY_S + 1
        assert account.write_now(lambda tx: vacation.take_turn(tx, "new"))


def test_a_change_is_kept_and_tells_everybody_anew(tmp_path: Path) -> None:
    first = Vacation(is_on=True, subject="s", text="t", begins=1, ends=2)
    with temporary_account(tmp_path) as account:
        assert asyncio.run(vacation.current(account)) == Vacation()
        asyncio.run(vacation.change(account, first))
        account.write_now(lambda tx: vacation.take_turn(tx, "a"))
        asyncio.run(vacation.change(account, first))
        assert account.read_now(vacation.count_told) == 1
        asyncio.run(vacation.change(account, Vacation(is_on=True, text="other")))
        assert account.read_now(vacation.count_told) == 0
        assert account.read_now(vacation.find) == asyncio.run(vacation.current(account))
