from __future__ import annotations

import pytest

from app.errors import TooManyGrants
from app.store.account import mailboxes
from app.store.account.grants import (
    ANYONE,
    MAX_GRANTS,
    forget_account,
    give,
    rights_given,
    rights_of,
    shared_with,
)
from app.wire.imap.rights import ALL, NONE, Right
from tests.support.accounts import temporary_account

LOOK = Right.LOOKUP
READ = Right.LOOKUP | Right.READ


def _id(account, name):
    return account.read_now(lambda db: mailboxes.get(db, name).id)


def _shared(account, who):
    found = account.read_now(lambda db: shared_with(db, who))
    return [(shared.mailbox.name, shared.rights) for shared in found]


def test_an_account_has_what_it_was_given_and_what_anyone_has(tmp_path):
    with temporary_account(tmp_path) as account:
        archive, sent = _id(account, "Archive"), _id(account, "Sent")
        account.write_now(lambda tx: give(tx, archive, "jane", Right.READ))
        account.write_now(lambda tx: give(tx, archive, ANYONE, LOOK))
        account.write_now(lambda tx: give(tx, sent, "jane", ALL))
        look = [("jane", archive), ("joe", archive), ("jane", sent), ("joe", sent)]
        assert account.read_now(lambda db: [rights_of(db, box, who) for who, box in look]) == [READ, LOOK, ALL, NONE]
        assert account.read_now(lambda db: rights_given(db, archive)) == {ANYONE: LOOK, "jane": Right.READ}
        assert _shared(account, "jane") == [("Archive", READ), ("Sent", ALL)]
        assert _shared(account, "joe") == [("Archive", LOOK)]


def test_rights_that_are_given_replace_those_before_and_none_end_them(tmp_path):
    with temporary_account(tmp_path) as account:
        archive = _id(account, "Archive")
        account.write_now(lambda tx: give(tx, archive, "jane", ALL))
        account.write_now(lambda tx: give(tx, archive, "jane", LOOK))
        assert account.read_now(lambda db: rights_of(db, archive, "jane")) == LOOK
        account.write_now(lambda tx: give(tx, archive, "jane", NONE))
        assert account.read_now(lambda db: rights_given(db, archive)) == {}


def test_rights_follow_a_mailbox_to_its_new_name_and_end_with_it(tmp_path):
    with temporary_account(tmp_path) as account:
        archive = _id(account, "Archive")
        account.write_now(lambda tx: give(tx, archive, "jane", READ))
        account.write_now(lambda tx: mailboxes.rename(tx, "Archive", "Old"))
        assert _shared(account, "jane") == [("Old", READ)]
        account.write_now(lambda tx: mailboxes.delete(tx, "Old"))
        account.write_now(lambda tx: mailboxes.create(tx, "Old"))
        assert _shared(account, "jane") == []


def test_a_renamed_inbox_keeps_its_rights_and_shares_nothing_of_the_new_mailbox(tmp_path):
    with temporary_account(tmp_path) as account:
        inbox = _id(account, "Inbox")
        account.write_now(lambda tx: give(tx, inbox, "jane", READ))
        account.write_now(lambda tx: mailboxes.rename(tx, "Inbox", "2026"))
        assert _shared(account, "jane") == [("Inbox", READ)]


def test_an_account_that_is_removed_leaves_nothing_to_the_next_of_its_name(tmp_path):
    with temporary_account(tmp_path) as account:
        for name in ("Archive", "Sent"):
            mailbox_id = _id(account, name)
            account.write_now(lambda tx, box=mailbox_id: give(tx, box, "jane", READ))
            account.write_now(lambda tx, box=mailbox_id: give(tx, box, "joe", READ))
        account.write_now(lambda tx: forget_account(tx, "jane"))
        assert _shared(account, "jane") == []
        assert [name for name, _ in _shared(account, "joe")] == ["Archive", "Sent"]


def test_a_mailbox_is_shared_with_so_many_and_no_more(tmp_path):
    with temporary_account(tmp_path) as account:
        archive = _id(account, "Archive")
        names = [f"a{number}" for number in range(MAX_GRANTS)]
        account.write_now(lambda tx: [give(tx, archive, name, LOOK) for name in names])
        with pytest.raises(TooManyGrants):
            account.write_now(lambda tx: give(tx, archive, "one more", LOOK))
        account.write_now(lambda tx: give(tx, archive, "a1", READ))
        assert account.read_now(lambda db: rights_of(db, archive, "one more")) == NONE
