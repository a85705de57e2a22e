"""The junk filter learns what the flags say, once, and forgets it exactly."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.junk.classifier import Samples
from app.store.account import expunge, junkcounts, junktraining, mailboxes, messages
from app.store.account.check import check
from app.store.account.flags import FlagChange, Mode, store
from app.store.account.handle import Account
from app.store.account.junkfilter import classify, judge, retrain
from app.store.account.junktrainer import train_now
from app.store.account.prepare import prepare
from app.store.spool import Body
from app.wire.imap.flags import JUNK, NOTJUNK, SEEN
from tests.support.accounts import add_now, simple_message, temporary_account

WORDS = "offer meeting price report pills lunch winner invoice free budget".split()


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with temporary_account(tmp_path) as account:
        yield account


def message(number: int) -> bytes:
    chance = random.Random(number)
    return simple_message(number, " ".join(chance.choices(WORDS, k=12)))


def set_flags(account: Account, uid: int, flags: int, mailbox: str = "Inbox") -> None:
    change = FlagChange(mode=Mode.SET, flags=flags)
    account.write_now(lambda tx: store(tx, mailboxes.get(tx.db, mailbox).id, [uid], change))


def learnt(account: Account) -> tuple[tuple[int, int], list[tuple[int, int, int]]]:
    """The totals, and the counts of all features without their weights."""
    totals = account.read_now(junkcounts.samples)
    rows = account.read_now(lambda db: db.execute("SELECT number, wanted, junk FROM junk_feature").fetchall())
    return (totals.wanted, totals.junk), rows


async def nothing_due(account: Account) -> None:
    for _ in range(1000):
        if not await account.read(junktraining.is_any_due):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the filter does not train itself")


def due(account: Account) -> int:
    return int(account.read_now(lambda db: db.execute("SELECT count(*) FROM junk_due").fetchone()[0]))


def test_one_flag_alone_is_learnt_and_both_or_none_are_not(account: Account) -> None:
    for number, flags in enumerate((JUNK, NOTJUNK, JUNK | NOTJUNK, 0, SEEN)):
        add_now(account, message(number), flags=flags)
    assert due(account) == 3
    train_now(account)
    assert learnt(account)[0] == (1, 1)
    assert due(account) == 0


def test_flags_that_are_no_judgement_give_nothing_to_learn(account: Account) -> None:
    uid = add_now(account, message(1), flags=JUNK).uid
    train_now(account)
    set_flags(account, uid, JUNK | SEEN)
    assert due(account) == 0


def test_a_copy_counts_once_and_a_contradicting_one_takes_the_lesson_back(account: Account) -> None:
    uid = add_now(account, message(1), flags=NOTJUNK).uid
    inbox, archive = (account.read_now(lambda db, n=n: mailboxes.get(db, n).id) for n in ("Inbox", "Archive"))
    copied = account.write_now(lambda tx: messages.copy(tx, inbox, [uid], archive))
    train_now(account)
    assert learnt(account)[0] == (1, 0)
    set_flags(account, copied.target_uids[0], JUNK, "Archive")
    train_now(account)
    assert learnt(account) == ((0, 0), [])


def test_a_move_changes_nothing_and_an_expunged_message_is_taken_back(account: Account) -> None:
    uid = add_now(account, message(1), flags=JUNK).uid
    train_now(account)
    before = learnt(account)
    inbox, archive = (account.read_now(lambda db, n=n: mailboxes.get(db, n).id) for n in ("Inbox", "Archive"))
    account.write_now(lambda tx: messages.move(tx, inbox, [uid], archive))
    train_now(account)
    assert learnt(account) == before
    account.write_now(lambda tx: expunge.expunge_all(tx, mailboxes.get(tx.db, "Archive")))
    expunge.erase_now(account)  # the message itself is gone before its lesson is taken back
    train_now(account)
    assert learnt(account) == ((0, 0), [])


@pytest.mark.parametrize("seed", range(5))
def test_any_changes_leave_what_the_flags_say_and_nothing_when_they_are_cleared(account: Account, seed: int) -> None:
    chance = random.Random(seed)
    uids = [add_now(account, message(number), flags=chance.choice((0, JUNK, NOTJUNK))).uid for number in range(15)]
    for _ in range(40):
        set_flags(account, chance.choice(uids), chance.choice((0, JUNK, NOTJUNK, JUNK | NOTJUNK)))
        if chance.random() < 0.3:
            tasks = account.read_now(lambda db: junktraining.tasks(db, account.directory / "msg", 3))
            set_flags(account, chance.choice(uids), chance.choice((JUNK, NOTJUNK)))  # between reading and learning
            account.write_now(lambda tx, tasks=tasks: junktraining.carry_out(tx.db, tasks))
        assert check(account) == []
    train_now(account)
    now = learnt(account)
    account.write_now(lambda tx: junktraining.begin_again(tx.db))
    train_now(account)
    assert learnt(account) == now
    for uid in uids:
        set_flags(account, uid, 0)
    train_now(account)
    assert learnt(account) == ((0, 0), [])


def test_a_crash_before_the_commit_leaves_the_message_due(account: Account) -> None:
    add_now(account, message(1), flags=JUNK)
    tasks = account.read_now(lambda db: junktraining.tasks(db, account.directory / "msg", 3))

    def fail(tx: object) -> None:
        junktraining.carry_out(tx.db, tasks)  # type: ignore[attr-defined]
        raise RuntimeError("the power is cut")

    with pytest.raises(RuntimeError, match="power"):
        account.write_now(fail)
    assert (learnt(account)[0], due(account)) == ((0, 0), 1)
    account.write_now(lambda tx: junktraining.carry_out(tx.db, tasks))
    account.write_now(lambda tx: junktraining.carry_out(tx.db, tasks))  # as by two that work at the same time
    assert (learnt(account)[0], due(account)) == ((0, 1), 0)


def test_counts_of_an_earlier_form_are_made_again(account: Account) -> None:
    add_now(account, message(1), flags=JUNK)
    train_now(account)
    before = learnt(account)
    account.write_now(lambda tx: tx.db.execute("UPDATE junk_samples SET form = 0"))
    assert account.read_now(junktraining.is_any_due)
    train_now(account)
    assert learnt(account) == before


def test_the_check_finds_a_lesson_that_is_not_counted(account: Account) -> None:
    add_now(account, message(1), flags=JUNK)
    train_now(account)
    account.write_now(lambda tx: junkcounts.clear(tx.db))
    assert [text.partition(" ")[0] for text in check(account)] == ["the", "the"]
    account.write_now(lambda tx: junktraining.begin_again(tx.db))


def test_the_filter_trains_itself_a_moment_after_the_flags_and_then_has_a_verdict(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.account.junktrainer.DELAY_S", 0.0)
    monkeypatch.setattr("app.junk.classifier.MIN_SAMPLES", 10)
    prepared = prepare(Body.of(simple_message(99, "cheap pills for the winner")))

    async def run() -> None:
        account.trainer.is_on = True
        assert await classify(account, prepared) is None
        for number in range(10):
            await asyncio.to_thread(add_now, account, simple_message(number, "cheap pills winner"), flags=JUNK)
            await asyncio.to_thread(
                add_now, account, simple_message(50 + number, "the report for lunch"), flags=NOTJUNK
            )
        account.trainer.look_in(0)
        await nothing_due(account)
        verdict = await classify(account, prepared)
        assert verdict is not None
        assert verdict.probability > 0.5
        assert '"cheap pills"' in [word.text for word in verdict.words]
        assert await retrain(account) == Samples(wanted=10, junk=10)
        account.trainer.is_on = False
        assert await classify(account, prepared) is None

    asyncio.run(run())
    assert account.read_now(lambda db: judge(db, prepared)) is not None


def test_without_a_filter_nothing_is_learnt_and_nothing_forgotten(account: Account) -> None:
    async def run() -> None:
        await asyncio.to_thread(add_now, account, message(1), flags=JUNK)
        account.trainer.look_in(0)
        await asyncio.sleep(0.01)
        assert not account.trainer.is_on

    asyncio.run(run())
    assert (learnt(account)[0], due(account)) == ((0, 0), 1)
