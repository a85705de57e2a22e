"""Where messages came from: what is kept, what is found by signs, and what goes with the message."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.junk.reputation import Tally
from app.store.account import expunge, mailboxes, messages, provenance, reputation
from app.store.account.flags import FlagChange, Mode, store
from app.store.account.prepare import prepare
from app.store.account.provenance import Kind, Provenance, Sign
from app.store.spool import Body
from app.wire.imap.flags import JUNK, NOTJUNK
from tests.support.accounts import simple_message, temporary_account

ADDRESS = Sign(Kind.ADDRESS, "jane@example.org")
NETWORK = Sign(Kind.NETWORK1, "192.0.2.1/32")
SIGNER = Sign(Kind.SIGNER, "example.org")


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def deliver(account, number: int, *, flags: int = 0, mailbox: str = "Inbox", **facts):
    values = {
        "destined": "Inbox",
        "signs": (ADDRESS, NETWORK, SIGNER),
        "localpart": "jane",
        "is_validated": True,
    } | facts
    incoming = messages.Incoming(
        mailbox=mailbox,
        prepared=prepare(Body.of(simple_message(number))),
        flags=flags,
        provenance=Provenance(**values),
    )
    return account.write_now(lambda tx: messages.deliver(tx, incoming))


def past(account, *signs: Sign, destined: str = "Inbox"):
    return account.read_now(reputation.past(destined, signs, int(account.clock.now())))


def mailbox_id(account, name: str) -> int:
    return account.read_now(lambda db: mailboxes.get(db, name).id)


def test_only_flagged_messages_of_the_mailbox_count(account):
    deliver(account, 1, flags=JUNK)
    deliver(account, 2)
    deliver(account, 3, flags=NOTJUNK | JUNK)
    deliver(account, 4, flags=JUNK, mailbox="Lists", destined="Lists")
    found = past(account, ADDRESS, NETWORK, SIGNER)
    assert found.address.validated == Tally(1, 0, True, 1)
    assert found.address.other == Tally()
    assert found.networks[0] == Tally(1, 0, True, 1)
    assert found.signers == {"example.org": Tally(1, 0, True, 1)}
    assert past(account, ADDRESS, destined="Nowhere").address.validated == Tally()


def test_the_newest_two_of_an_address_count(account):
    for number, flags in enumerate((JUNK, JUNK, NOTJUNK, NOTJUNK)):
        deliver(account, number, flags=flags)
    assert past(account, ADDRESS).address.validated == Tally(0, 2, False, 1)


def test_validated_and_other_messages_are_told_apart(account):
    deliver(account, 1, flags=NOTJUNK)
    deliver(account, 2, flags=JUNK, is_validated=False)
    found = past(account, ADDRESS).address
    assert (found.validated.wanted, found.other.junk) == (1, 1)


def test_a_flag_that_is_taken_away_counts_no_more(account):
    added = deliver(account, 1, flags=JUNK)
    change = FlagChange(mode=Mode.SET, flags=0)
    account.write_now(lambda tx: store(tx, added.mailbox_id, [added.uid], change))
    assert past(account, ADDRESS).address.validated == Tally()


def test_a_copy_counts_once(account):
    added = deliver(account, 1, flags=JUNK)
    target = mailbox_id(account, "Archive")
    account.write_now(lambda tx: messages.copy(tx, added.mailbox_id, [added.uid], target))
    assert past(account, NETWORK).networks[0].total == 1


def test_what_is_erased_is_forgotten(account):
    added = deliver(account, 1, flags=JUNK)
    account.write_now(lambda tx: expunge.expunge(tx, mailboxes.by_id(tx.db, added.mailbox_id), [added.uid]))
    expunge.erase_now(account)
    assert past(account, ADDRESS).address.validated == Tally()
    assert account.read_now(lambda db: db.execute("SELECT count(*) FROM sender_sign").fetchone()) == (0,)


def test_taking_a_refused_message_back_says_that_it_was_wanted(account):
    account.junk_flags, account.rejects_mailbox = None, "Rejects"
    added = deliver(account, 1, mailbox="Rejects", is_reject=True, reason="junk-content")
    account.write_now(lambda tx: messages.move(tx, added.mailbox_id, [added.uid], mailbox_id(account, "Inbox")))
    assert past(account, ADDRESS).address.validated == Tally(0, 1, False, 1)


def test_refused_messages_that_go_to_the_bin_say_nothing(account):
    account.rejects_mailbox = "Rejects"
    added = deliver(account, 1, mailbox="Rejects", is_reject=True)
    account.write_now(lambda tx: messages.move(tx, added.mailbox_id, [added.uid], mailbox_id(account, "Trash")))
    assert past(account, ADDRESS).address.validated == Tally()


def test_why_a_message_is_here(account):
    added = deliver(account, 1, reason="no-bad-signals", trace="SPF: pass")
    row = account.read_now(lambda db: messages.find(db, added.mailbox_id, added.uid))
    told = account.read_now(lambda db: provenance.told(db, row.content_id))
    assert (told.reason, told.trace, told.is_reject) == ("no-bad-signals", "SPF: pass", False)
