"""Messages and mailboxes: what each operation does to uids, counts, modseqs and bodies."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import BadMailboxName, MailboxExists, MailboxHasChildren, NoSuchMailbox, OverQuota
from app.store.account import expunge, flags, mailboxes, messages
from app.store.account.changes import FlagsChanged, MessagesAdded, MessagesExpunged
from app.store.account.flags import FlagChange, Mode
from app.store.account.prepare import prepare
from app.store.account.reader import content_ids, read_message
from app.store.spool import Body
from app.wire.imap.flags import DELETED, FLAGGED, SEEN
from tests.support.accounts import add_now, simple_message, temporary_account


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


class Recorder:
    """Keeps every change it is told of."""

    def __init__(self, account):
        self.changes = []
        account.listeners.add(self)

    def changed(self, changes):
        self.changes.extend(changes)


def inbox(account):
    return account.read_now(lambda db: mailboxes.get(db, "Inbox"))


def test_uids_and_modseqs_grow_and_counts_are_kept(account):
    first = add_now(account, simple_message(1))
    before = inbox(account)
    second = add_now(account, simple_message(2), flags=SEEN)
    after = inbox(account)
    assert (first.uid, second.uid, after.uidnext) == (1, 2, 3)
    assert after.modseq > before.modseq
    assert (after.total, after.unseen) == (2, 1)
    assert after.size_bytes == len(simple_message(1)) + len(simple_message(2))


def test_add_to_absent_mailbox_fails_and_deliver_makes_it(account):
    incoming = messages.Incoming(mailbox="Lists/python", prepared=prepared(simple_message()))
    with pytest.raises(NoSuchMailbox):
        account.write_now(lambda tx: messages.add(tx, incoming))
    account.write_now(lambda tx: messages.deliver(tx, incoming))
    assert account.read_now(lambda db: mailboxes.find(db, "Lists")) is not None


def prepared(data: bytes):
    return prepare(Body.of(data))


def test_bytes_come_back_with_prefix(account):
    data = simple_message(text="déjà vu")
    added = add_now(account, data, prefix=b"Return-Path: <a@example.org>\r\n")
    found = account.read_now(lambda db: read(db, account, added))
    assert found.whole() == b"Return-Path: <a@example.org>\r\n" + data
    assert found.header().endswith(b"\r\n\r\n")
    assert found.text() == data.partition(b"\r\n\r\n")[2]


def read(db, account, added):
    content_id = content_ids(db, added.mailbox_id, [added.uid])[added.uid]
    return read_message(db, account.directory / "msg", content_id)


def test_prefix_of_message_without_header_is_followed_by_an_empty_line(account):
    added = add_now(account, b"just text\r\n", prefix=b"Received: x\r\n")
    found = account.read_now(lambda db: read(db, account, added))
    assert found.whole() == b"Received: x\r\n\r\njust text\r\n"


def test_large_body_is_a_file_and_goes_with_its_last_message(account):
    data = simple_message() + b"x" * 300_000 + b"\r\n"
    added = add_now(account, data)
    copied = account.write_now(lambda tx: copy_to(tx, added, "Archive"))
    assert [path.stat().st_size for path in (account.directory / "msg").glob("*/*")] == [len(data)]
    expunge_and_erase(account, "Inbox", [added.uid])
    assert len(list((account.directory / "msg").glob("*/*"))) == 1
    expunge_and_erase(account, "Archive", copied.target_uids)
    assert list((account.directory / "msg").glob("*/*")) == []


def copy_to(tx, added, name):
    return messages.copy(tx, added.mailbox_id, [added.uid], mailboxes.get(tx.db, name).id)


def expunge_and_erase(account, name, uids):
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, name), uids))
    expunge.erase_now(account)


def test_same_bytes_are_kept_once(account):
    for _ in range(3):
        add_now(account, simple_message())
    assert account.read_now(lambda db: db.execute("SELECT count(*) FROM body").fetchone()) == (1,)


def test_expunged_message_can_be_read_until_it_is_erased(account):
    added = add_now(account, simple_message())
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [added.uid]))
    assert account.read_now(lambda db: read(db, account, added)).whole() == simple_message()
    expunge.erase_now(account)
    assert account.read_now(lambda db: content_ids(db, added.mailbox_id, [added.uid])) == {}
    assert account.read_now(lambda db: expunge.removed_since(db, added.mailbox_id, 0)) == [added.uid]


def test_store_changes_only_what_differs(account):
    for number in (1, 2):
        add_now(account, simple_message(number), flags=SEEN if number == 1 else 0)
    recorder = Recorder(account)
    mailbox_id = inbox(account).id
    stored = account.write_now(lambda tx: flags.store(tx, mailbox_id, [1, 2], FlagChange(mode=Mode.ADD, flags=SEEN)))
    assert [entry.flags for entry in stored.entries] == [SEEN, SEEN]
    (change,) = recorder.changes
    assert isinstance(change, FlagsChanged)
    assert [entry.uid for entry in change.entries] == [2]
    before = inbox(account)
    account.write_now(lambda tx: flags.store(tx, mailbox_id, [1, 2], FlagChange(mode=Mode.ADD, flags=SEEN)))
    assert inbox(account).modseq == before.modseq
    assert inbox(account).unseen == 0


def test_unchanged_since_leaves_newer_messages_alone(account):
    add_now(account, simple_message(1))
    limit = inbox(account).modseq
    add_now(account, simple_message(2))
    change = FlagChange(mode=Mode.SET, flags=FLAGGED, keywords=("work",), unchanged_since=limit)
    stored = account.write_now(lambda tx: flags.store(tx, inbox(account).id, [1, 2], change))
    assert stored.modified == (2,)
    assert [(e.uid, e.flags, e.keywords) for e in stored.entries] == [(1, FLAGGED, "work")]
    assert inbox(account).keywords == "work"


def test_copy_shares_content_and_keeps_flags_and_dates(account):
    added = add_now(account, simple_message(), flags=FLAGGED, keywords=("a", "b"), internaldate=1000)
    recorder = Recorder(account)
    copied = account.write_now(lambda tx: copy_to(tx, added, "Archive"))
    assert (copied.source_uids, copied.target_uids) == ((1,), (1,))
    archive = account.read_now(lambda db: mailboxes.get(db, "Archive"))
    message = account.read_now(lambda db: messages.find(db, archive.id, 1))
    assert (message.flags, message.keywords, message.internaldate) == (FLAGGED, "a b", 1000)
    assert archive.keywords == "a b"
    assert [type(change) for change in recorder.changes] == [MessagesAdded]


def test_move_within_quota_works_when_the_account_is_nearly_full(tmp_path: Path):
    data = simple_message()
    with temporary_account(tmp_path, quota_bytes=len(data) + 10) as account:
        added = add_now(account, data)
        with pytest.raises(OverQuota):
            add_now(account, data)
        archive = account.read_now(lambda db: mailboxes.get(db, "Archive")).id
        moved = account.write_now(lambda tx: messages.move(tx, added.mailbox_id, [1], archive))
        assert moved.target_uids == (1,)
        assert account.read_now(lambda db: messages.all_uids(db, added.mailbox_id)) == []


def test_failed_move_changes_nothing(account):
    """The Go server loses the files of messages when a MOVE fails half way."""
    data = simple_message() + b"y" * 300_000
    added = add_now(account, data)
    with pytest.raises(NoSuchMailbox):
        account.write_now(lambda tx: messages.move(tx, added.mailbox_id, [added.uid], 999))
    with pytest.raises(ZeroDivisionError):
        account.write_now(lambda tx: copy_then_fail(tx, added))
    expunge.erase_now(account)
    assert account.read_now(lambda db: read(db, account, added)).whole() == data


def copy_then_fail(tx, added):
    messages.move(tx, added.mailbox_id, [added.uid], mailboxes.get(tx.db, "Archive").id)
    raise ZeroDivisionError


def test_expunge_takes_only_deleted_messages(account):
    for number in range(1, 6):
        add_now(account, simple_message(number), flags=DELETED if number % 2 else 0)
    recorder = Recorder(account)
    gone = account.write_now(lambda tx: expunge.expunge_deleted(tx, mailboxes.get(tx.db, "Inbox"), [1, 2, 3]))
    assert gone == (1, 3)
    gone = account.write_now(lambda tx: expunge.expunge_deleted(tx, mailboxes.get(tx.db, "Inbox")))
    assert gone == (5,)
    assert [change.uids for change in recorder.changes if isinstance(change, MessagesExpunged)] == [(1, 3), (5,)]
    assert inbox(account).uidnext == 6


def test_new_mailbox_never_has_an_old_uidvalidity(account):
    seen = set()
    for _ in range(3):
        made = account.write_now(lambda tx: mailboxes.create(tx, "x"))[-1]
        assert made.uidvalidity not in seen
        seen.add(made.uidvalidity)
        account.write_now(lambda tx: mailboxes.delete(tx, "x"))


def test_mailbox_rules(account):
    account.write_now(lambda tx: mailboxes.create(tx, "a/b/c"))
    with pytest.raises(MailboxExists):
        account.write_now(lambda tx: mailboxes.create(tx, "a/b"))
    with pytest.raises(MailboxHasChildren):
        account.write_now(lambda tx: mailboxes.delete(tx, "a"))
    with pytest.raises(BadMailboxName):
        account.write_now(lambda tx: mailboxes.delete(tx, "Inbox"))
    with pytest.raises(BadMailboxName):
        account.write_now(lambda tx: mailboxes.rename(tx, "a", "a/z"))


def test_rename_takes_children_and_subscriptions_along(account):
    account.write_now(lambda tx: mailboxes.create(tx, "a/b"))
    old = account.read_now(lambda db: mailboxes.get(db, "a/b"))
    account.write_now(lambda tx: mailboxes.create(tx, "a0"))
    account.write_now(lambda tx: mailboxes.rename(tx, "a", "new/a"))
    new = account.read_now(lambda db: mailboxes.get(db, "new/a/b"))
    assert (new.id, new.uidvalidity) == (old.id, old.uidvalidity)
    names = account.read_now(mailboxes.subscriptions)
    assert {"new", "new/a", "new/a/b", "a0"} <= names
    assert not {"a", "a/b"} & names


def test_rename_of_inbox_moves_its_messages(account):
    for number in (1, 2, 3):
        add_now(account, simple_message(number))
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [2]))
    account.write_now(lambda tx: mailboxes.rename(tx, "Inbox", "Old"))
    old = account.read_now(lambda db: mailboxes.get(db, "Old"))
    assert account.read_now(lambda db: messages.all_uids(db, old.id)) == [1, 2]
    assert (inbox(account).total, inbox(account).uidnext, old.uidnext) == (0, 4, 3)


@pytest.mark.parametrize("start", [b"From someone Fri Apr 06 16:46:09 2001\r\n", b">From someone\n"])
def test_fields_behind_the_line_of_a_mailbox_file_are_found(start):
    data = start + b"Subject: seen\r\n\r\nbody"
    made = prepare(Body.of(data))
    assert (made.body.data[:], made.base_subject) == (data, "seen")
    assert b'"seen"' in made.envelope
