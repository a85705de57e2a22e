"""Repairs of an account: what was damaged on purpose is found and put right, and a sound account is left alone.

Each test ends with the check of the whole account, so that a repair that forgets something fails.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.store.account import grants, indexing, mailboxes, messages, numbering, recounting, reparsing, searchindex
from app.store.account.annotations import annotate, annotations_of
from app.store.account.handle import Account
from app.wire.imap.flags import DELETED, SEEN
from app.wire.imap.rights import Right
from tests.support.accounts import add_now, simple_message, temporary_account

LARGE = b"Subject: large\r\n\r\n" + b"0123456789" * 30_000


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        for number in range(1, 6):
            add_now(account, simple_message(number), flags=SEEN if number % 2 else DELETED)
        add_now(account, LARGE, "Archive", keywords=("$Work",))
        inbox = mailbox(account, "Inbox")
        account.write_now(lambda tx: messages.move(tx, inbox.id, [2], mailbox(account, "Sent").id))
        yield account


def mailbox(account: Account, name: str):
    return account.read_now(lambda db: mailboxes.get(db, name))


def damage(account: Account, *statements: str) -> None:
    def do(db: sqlite3.Connection) -> None:
        for statement in statements:
            assert db.execute(statement).rowcount, statement

    account.database.write_now(do)


def rows(account: Account, name: str) -> list[tuple[object, ...]]:
    """What must stay of the messages of a mailbox, in their order."""
    query = "SELECT uid, flags, keywords, internaldate, content_id FROM message WHERE mailbox_id = ? ORDER BY uid"
    number = mailbox(account, name).id
    return account.read_now(lambda db: db.execute(query, (number,)).fetchall())


def all_repairs(account: Account) -> list[str]:
    return [
        *account.write_now(numbering.fix_numbers),
        *account.write_now(recounting.fix_sizes),
        *account.write_now(recounting.recount),
    ]


def test_sound_account_is_left_alone(account):
    dump = account.read_now(lambda db: list(db.execute("SELECT * FROM mailbox")))
    assert all_repairs(account) == []
    assert account.read_now(lambda db: list(db.execute("SELECT * FROM mailbox"))) == dump


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE mailbox SET uidnext = 3 WHERE name = 'Inbox'", "Inbox: uidnext was 3, is 6"),
        ("UPDATE mailbox SET modseq = 1 WHERE name = 'Inbox'", "Inbox: modseq was 1, is"),
        ("UPDATE account_state SET modseq = 3", "account: modseq was 3, is"),
        ("UPDATE account_state SET next_uidvalidity = 5", "account: next uidvalidity was 5, is"),
        ("UPDATE mailbox SET uidvalidity = (SELECT min(uidvalidity) FROM mailbox) WHERE name = 'Sent'", "Sent: uidval"),
        ("UPDATE mailbox SET total = 9, deleted_bytes = 1 WHERE name = 'Inbox'", "Inbox: total was 9, is 4"),
        ("UPDATE mailbox SET keywords = '' WHERE name = 'Archive'", "Archive: lists its keywords $Work now"),
        ("UPDATE account_state SET size_bytes = 0", "account: size_bytes was 0, is"),
        ("UPDATE message SET size_bytes = 7 WHERE uid = 3", "account: 1 messages had a wrong size"),
        ("UPDATE content SET size_bytes = 7", "account: 6 contents had a wrong size"),
        ("UPDATE body SET size_bytes = 7 WHERE data IS NOT NULL", "account: 5 bodies had a wrong size"),
    ],
)
def test_wrong_number_is_found_and_put_right(account, statement, told):
    damage(account, statement)
    sentences = all_repairs(account)
    assert any(sentence.startswith(told) for sentence in sentences), sentences
    assert all_repairs(account) == []


@pytest.mark.parametrize("keeps_uids", [True, False])
def test_renumbered_mailbox_has_the_same_messages_and_all_that_belongs_to_it(account, keeps_uids):
    old, before = mailbox(account, "Inbox"), rows(account, "Inbox")
    account.write_now(lambda tx: annotate(tx, old.id, {"/private/comment": b"mine"}))
    account.write_now(lambda tx: grants.give(tx, old.id, "joe", Right.READ))
    new = account.write_now(lambda tx: numbering.renumber(tx, mailboxes.get(tx.db, "Inbox"), keeps_uids=keeps_uids))
    after = rows(account, "Inbox")
    assert [row[1:] for row in after] == [row[1:] for row in before]
    assert [row[0] for row in after] == ([1, 3, 4, 5] if keeps_uids else [1, 2, 3, 4])
    assert new.uidvalidity > old.uidvalidity
    assert new.id != old.id
    assert new.uidnext == (6 if keeps_uids else 5)
    assert account.read_now(lambda db: annotations_of(db, new.id)) == {"/private/comment": b"mine"}
    assert account.read_now(lambda db: grants.rights_of(db, new.id, "joe")) == Right.READ
    assert add_now(account, simple_message(9)).uid == new.uidnext


def test_every_mailbox_can_be_numbered_anew_again_and_again(account):
    for _ in range(3):
        for name in ("Inbox", "Archive", "Sent", "Trash"):
            account.write_now(
                lambda tx, name=name: numbering.renumber(tx, mailboxes.get(tx.db, name), keeps_uids=False)
            )
    assert [len(rows(account, name)) for name in ("Inbox", "Archive", "Sent", "Trash")] == [4, 1, 1, 0]
    assert mailbox(account, "Sent").special_use == "\\Sent"


def reparse(account: Account) -> tuple[int, list[str]]:
    changed, faults, last = 0, [], 0
    msg_dir = account.directory / "msg"
    while (batch := account.read_now(lambda db, last=last: reparsing.look(db, msg_dir, last))).looked_at:
        account.write_now(lambda tx, batch=batch: reparsing.carry_out(tx, batch.differing))
        changed, faults, last = changed + len(batch.differing), [*faults, *batch.faults], batch.last
    return changed, faults


def test_damaged_structure_is_made_anew_from_the_bytes(account, monkeypatch):
    monkeypatch.setattr(reparsing, "BATCH", 2)
    dump = account.read_now(lambda db: list(db.execute("SELECT * FROM content")))
    assert reparse(account) == (0, [])
    damage(account, "UPDATE content SET parts = x'00', envelope = x'', base_subject = 'no' WHERE id IN (2, 6)")
    assert reparse(account) == (2, [])
    assert account.read_now(lambda db: list(db.execute("SELECT * FROM content"))) == dump


def test_bytes_that_are_not_what_was_stored_are_told_and_left_alone(account):
    kept = account.read_now(lambda db: db.execute("SELECT data FROM body WHERE id = 1").fetchone()[0])
    damage(account, "UPDATE body SET data = x'41' WHERE id = 1")
    assert reparse(account) == (0, ["content 1: its bytes are damaged: their hash is wrong"])
    account.database.write_now(lambda db: db.execute("UPDATE body SET data = ? WHERE id = 1", (kept,)))
    path = next((account.directory / "msg").glob("*/*"))
    path.rename(path.with_suffix(".away"))
    changed, faults = reparse(account)
    assert changed == 0
    assert faults[0].startswith("content 6: cannot read message file")
    path.with_suffix(".away").rename(path)


def test_segment_that_was_begun_before_the_index_was_cleared_is_not_kept(account):
    indexing.index_now(account)
    add_now(account, simple_message(7))
    builder = searchindex.SegmentBuilder(account.directory / "msg")
    account.read_now(builder.read)
    account.write_now(lambda tx: searchindex.clear(tx.db))
    account.write_now(lambda tx: searchindex.add_segment(tx.db, builder.segment()))
    assert account.read_now(searchindex.indexed_up_to) == 0
    indexing.index_now(account)
    assert account.read_now(searchindex.indexed_up_to) == 7
