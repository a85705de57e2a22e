"""Junk flags follow the mailbox in the transaction that puts a message there, and sessions hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config.junksettings import NEW_ACCOUNT_JUNK, NEW_ACCOUNT_NEUTRAL, AutomaticJunkFlags
from app.store.account import mailboxes, messages
from app.store.account.changes import Change, MessagesAdded
from app.store.account.handle import Account, Tx
from app.store.account.messages import Copied, Incoming
from app.store.account.prepare import prepare
from app.store.accounts import Accounts, AccountSettings
from app.store.spool import Body
from app.wire.imap.flags import FLAGGED, JUNK, NOTJUNK
from tests.support.accounts import add_now, simple_message, temporary_account

NEW_ACCOUNT = AutomaticJunkFlags(
    enabled=True, junk_mailbox_regexp=NEW_ACCOUNT_JUNK, neutral_mailbox_regexp=NEW_ACCOUNT_NEUTRAL
)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with temporary_account(tmp_path) as account:
        account.junk_flags = NEW_ACCOUNT
        yield account


class Heard:
    """A session that remembers the flags it was told of."""

    def __init__(self) -> None:
        self.flags: list[int] = []

    def changed(self, changes: list[Change]) -> None:
        self.flags += [
            entry.flags for change in changes if isinstance(change, MessagesAdded) for entry in change.entries
        ]


def flags_in(account: Account, mailbox: str) -> list[int]:
    def read(db) -> list[int]:  # type: ignore[no-untyped-def]
        found = mailboxes.get(db, mailbox)
        rows = [messages.find(db, found.id, uid) for uid in messages.all_uids(db, found.id)]
        return [row.flags for row in rows if row is not None]

    return account.read_now(read)


def transfer(account: Account, how: Callable[..., Copied], source: str, target: str) -> None:
    def work(tx: Tx) -> None:
        origin = mailboxes.get(tx.db, source).id
        how(tx, origin, messages.all_uids(tx.db, origin), mailboxes.ensure(tx, target).id)

    account.write_now(work)


@pytest.mark.parametrize(("mailbox", "expected"), [("Spam", JUNK), ("Inbox", 0), ("Friends", NOTJUNK)])
@pytest.mark.parametrize("how", ["deliver", "add"])
def test_a_new_message(account: Account, mailbox: str, expected: int, how: str) -> None:
    heard = Heard()
    account.listeners.add(heard)
    incoming = Incoming(mailbox=mailbox, prepared=prepare(Body.of(simple_message())), flags=FLAGGED)
    account.write_now(lambda tx: mailboxes.ensure(tx, mailbox))
    account.write_now(lambda tx: getattr(messages, how)(tx, incoming))
    assert flags_in(account, mailbox) == heard.flags == [FLAGGED | expected]


@pytest.mark.parametrize("how", [messages.copy, messages.move])
def test_messages_that_go_from_mailbox_to_mailbox(account: Account, how: Callable[..., Copied]) -> None:
    add_now(account, simple_message(1), flags=FLAGGED)
    add_now(account, simple_message(2))
    heard = Heard()
    account.listeners.add(heard)
    transfer(account, how, "Inbox", "Junk")
    transfer(account, how, "Junk", "Archive")
    assert flags_in(account, "Archive") == [FLAGGED | NOTJUNK, NOTJUNK]
    assert heard.flags == [FLAGGED | JUNK, JUNK, FLAGGED | NOTJUNK, NOTJUNK]
    transfer(account, how, "Archive", "Neutral")
    assert flags_in(account, "Neutral") == [FLAGGED, 0]


def test_without_settings_flags_go_with_the_message(account: Account) -> None:
    account.junk_flags = None
    add_now(account, simple_message(), flags=NOTJUNK)
    transfer(account, messages.move, "Inbox", "Spam")
    assert flags_in(account, "Spam") == [NOTJUNK]


def test_a_changed_configuration_counts_from_the_next_opening(tmp_path: Path) -> None:
    settings = AccountSettings()
    accounts = Accounts(tmp_path, lambda name: settings)
    assert accounts.open_now("jane").junk_flags is None
    settings = AccountSettings(junk_flags=NEW_ACCOUNT)
    assert asyncio.run(accounts.open("jane")).junk_flags is NEW_ACCOUNT
    accounts.close()
