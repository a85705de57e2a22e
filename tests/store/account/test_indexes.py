"""The shared index is what the database has, whatever was told in which order."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.account import expunge, flags, mailboxes, messages
from app.store.account.flags import FlagChange, Mode
from app.store.account.indexes import read_index, spans_of, without
from app.wire.imap.flags import SEEN
from tests.support.accounts import add_now, simple_message, temporary_account


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def inbox_id(account):
    return account.read_now(lambda db: mailboxes.get(db, "Inbox")).id


def columns(index):
    return index.uids, index.flags, index.modseqs, index.keywords


def assert_current(account):
    box = inbox_id(account)
    assert columns(account.indexes.peek(box)) == columns(account.read_now(lambda db: read_index(db, box)))


def test_index_follows_every_kind_of_change(account):
    box = inbox_id(account)

    async def run():
        for number in range(30):
            add_now(account, simple_message(number))
        await account.indexes.load(box)
        await account.write(lambda tx: flags.store(tx, box, [1, 2, 3, 9, 30], CHANGE))
        await account.write(lambda tx: messages.copy(tx, box, [2, 4, 9], box))
        await account.write(lambda tx: expunge.expunge(tx, mailboxes.by_id(tx.db, box), [1, 2, 5, 7, 8, 9, 20, 33]))
        await account.write(lambda tx: messages.move(tx, box, [3, 31], box))

    asyncio.run(run())
    assert_current(account)


CHANGE = FlagChange(mode=Mode.ADD, flags=SEEN, keywords=("work",))


def test_change_that_a_load_has_seen_is_not_applied_again(account):
    """The commit can be read before it is told: the writer's thread may be interrupted in between."""
    box = inbox_id(account)
    told = []
    publish, account._publish = account._publish, told.append

    async def run():
        body = messages.Incoming(mailbox="Inbox", prepared=prepared(simple_message(1)))
        await account.write(lambda tx: messages.add(tx, body))
        await account.indexes.load(box)
        publish(told[0])

    asyncio.run(run())
    assert list(account.indexes.peek(box).uids) == [1]


def prepared(data: bytes):
    from app.store.account.prepare import prepare
    from app.store.spool import Body

    return prepare(Body.of(data))


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_spans_are_where_the_uids_are_and_without_leaves_the_others(here, gone):
    column = array("I", sorted(here))
    spans = spans_of(column, sorted(gone))
    assert [uid for start, end in spans for uid in column[start:end]] == sorted(here & gone)
    assert list(without(column, spans)) == sorted(here - gone)
