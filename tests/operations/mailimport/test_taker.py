"""Batches of an import are added whole, count rightly, and leave out what was there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.errors import OverQuota
from app.operations.mailimport.incoming import Incoming, Taken
from app.operations.mailimport.taker import MAX_KEYWORDS, Taker
from app.store.account.changes import Change, MailboxCreated, MessagesAdded
from app.store.account.handle import Account, Tx
from app.store.account.mailboxes import find, subscriptions
from app.store.spool import Body, Spool
from app.wire.imap.flags import SEEN, flagset
from tests.support.accounts import add_now, simple_message, temporary_account


def incoming(data: bytes, mailbox: str = "Old", **more: object) -> Incoming:
    return Incoming(mailbox=mailbox, body=Body.of(data), **more)  # type: ignore[arg-type]


def take(account: Account, batch: Sequence[Incoming], *, skips_present: bool = False) -> Taken:
    return asyncio.run(Taker(account, skips_present=skips_present).take(batch))


class Listening:
    def __init__(self) -> None:
        self.heard: list[Change] = []

    def changed(self, changes: list[Change]) -> None:
        self.heard += changes


def test_mailboxes_are_made_messages_counted_and_sessions_told(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:
        listening = Listening()
        account.listeners.add(listening)
        batch = [incoming(simple_message(1), "2019/Caf\u0065\u0301", flags=flagset("\\Seen work"), internaldate=1000)]
        batch += [incoming(simple_message(2), "2019/Café"), incoming(b"no header at all", "2019")]
        assert take(account, batch).added == 3
        mailbox = account.read_now(lambda db: find(db, "2019/Café"))
        assert mailbox is not None
        assert (mailbox.total, mailbox.unseen, mailbox.uidnext, mailbox.keywords) == (2, 1, 3, "work")
        rows = account.read_now(
            lambda db: db.execute(
                "SELECT internaldate, flags FROM message WHERE mailbox_id = ?", (mailbox.id,)
            ).fetchall()
        )
        assert rows == [(1000, SEEN), (1795341600, 0)]  # the second as its Date field says
        assert "2019/Café" in account.read_now(subscriptions)
        assert [type(one) for one in listening.heard].count(MessagesAdded) == 3
        assert [one.name for one in listening.heard if isinstance(one, MailboxCreated)] == ["2019", "2019/Café"]


def test_batch_that_does_not_fit_is_not_there_at_all_and_its_files_are_gone(tmp_path: Path) -> None:
    with temporary_account(tmp_path, quota_bytes=600_000) as account:
        spool = Spool(tmp_path)
        spool.write(b"A: b\r\n\r\n" + b"x" * 700_000)
        noted: list[int] = []

        def note(tx: Tx, taken: Taken) -> None:
            noted.append(taken.added)

        batch = [incoming(simple_message()), Incoming(mailbox="Old", body=spool.finish())]
        with pytest.raises(OverQuota):
            asyncio.run(Taker(account).take(batch, note))
        assert noted == []
        assert account.read_now(lambda db: find(db, "Old")) is None
        assert list(tmp_path.glob("message-*")) == []


def test_only_what_the_mailbox_did_not_hold_is_taken(tmp_path: Path) -> None:
    nameless = b"Subject: no name\r\n\r\ntext\r\n"
    with temporary_account(tmp_path) as account:
        add_now(account, simple_message(1))
        add_now(account, simple_message(2), prefix=b"Received: by us\r\n")
        add_now(account, nameless, prefix=b"Received: by us\r\n")
        add_now(account, simple_message(3), "Sent")
        there = [simple_message(1), b"Received: by us\r\n" + simple_message(2), b"Received: by us\r\n" + nameless]
        new = [simple_message(3), simple_message(1, "other text"), b"Received: by xx\r\n" + nameless]
        taken = take(account, [incoming(data, "Inbox") for data in there + new], skips_present=True)
        assert (taken.present, taken.added) == (3, 3)
        twice = take(account, [incoming(simple_message(9), "Inbox")] * 2, skips_present=True)
        assert (twice.present, twice.added) == (0, 2)
        assert take(account, [incoming(simple_message(9), "Inbox")], skips_present=True).present == 1


def test_names_that_cannot_be_and_too_many_keywords_are_problems(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:
        words = flagset(" ".join(f"word{number}" for number in range(MAX_KEYWORDS + 5)))
        batch = [
            incoming(simple_message(), "a//b", origin="x.mbox, message 1"),
            incoming(simple_message(), flags=words),
        ]
        taken = take(account, batch)
        assert taken.added == 1
        assert taken.problems[0].startswith("x.mbox, message 1: a mailbox name cannot")
        assert "keywords" in taken.problems[1]


def test_what_was_noted_belongs_to_the_batch(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:

        def note(tx: Tx, taken: Taken) -> None:
            raise OverQuota("no room for the note")

        with pytest.raises(OverQuota):
            asyncio.run(Taker(account).take([incoming(simple_message())], note))
        assert account.read_now(lambda db: find(db, "Old")) is None
