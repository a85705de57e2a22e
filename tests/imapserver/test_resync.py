"""QRESYNC in SELECT: what a client is told that was away (RFC 7162 §3.2.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account import expunge, mailboxes, messages
from app.store.accounts import Accounts
from app.wire.imap.flags import DELETED
from tests.imapserver.world import World
from tests.support.accounts import add_now, simple_message

OPENED = r"""
    S: /\* FLAGS .*/
    S: /\* OK \[PERM.*/
    S: /\* \d+ EXISTS/
    S: * 0 RECENT
    S: /\* OK \[UNSEEN.*/
    S: /\* OK \[UIDV.*/
    S: /\* OK \[UIDN.*/
    S: /\* LIST .*/
    S: /\* OK \[MAILBOXID.*/
    S: /\* OK \[HIGHESTMODSEQ.*/
    S: /\* OK \[URLMECH.*/
"""


@pytest.fixture
def away(world: World) -> World:
    """Uids 1 to 10; then 2 and 3 were expunged, and 9 and 10 were moved: a modseq each."""
    jane = world.jane
    for number in range(10):
        add_now(jane, simple_message(number))
    archive = jane.read_now(lambda db: mailboxes.get(db, "Archive").id)
    jane.write_now(lambda tx: expunge.expunge(tx, inbox(world), [2, 3]))
    jane.write_now(lambda tx: messages.move(tx, inbox(world).id, [9, 10], archive))
    return world


def inbox(world: World) -> mailboxes.Mailbox:
    return world.jane.read_now(lambda db: mailboxes.get(db, "Inbox"))


def select(world: World, known: str, answer: str) -> None:
    uidvalidity = inbox(world).uidvalidity
    lines = (
        f"C: q ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: /q OK .*/\nC: s SELECT Inbox (QRESYNC ({uidvalidity} {known}))"
    )
    world.run(f"{lines}{OPENED}{answer}\nS: /s OK .*/", signed_in=True)


def since_adding(world: World) -> int:
    return inbox(world).modseq - 2


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("", "2:3,9:10"),
        ("1:10", "2:3,9:10"),
        ("1:2,9", "2,9"),
        ("4:8", ""),
        ("1:100", "2:3,9:10"),
    ],
)
def test_removed_uids_are_told_among_those_the_client_knew(
    away: World, monkeypatch: pytest.MonkeyPatch, known: str, told: str, forgets: bool
):
    since = since_adding(away)
    if forgets:
        monkeypatch.setattr(expunge, "MAX_TOMBSTONES", 0)
        expunge.erase_now(away.jane)
    select(away, f"{since} {known}".rstrip(), f"S: * VANISHED (EARLIER) {told}" if told else "")


def test_only_what_came_after_the_modseq_is_told(away: World):
    select(away, str(since_adding(away) + 1), "S: * VANISHED (EARLIER) 9:10")
    select(away, str(since_adding(away) + 2), "")


def test_sequence_numbers_that_still_fit_shorten_a_list_of_what_was_forgotten(
    away: World, monkeypatch: pytest.MonkeyPatch
):
    since = since_adding(away)
    monkeypatch.setattr(expunge, "MAX_TOMBSTONES", 0)
    expunge.erase_now(away.jane)
    select(away, f"{since} 1:10 (1,2,6 1,4,8)", "S: * VANISHED (EARLIER) 9:10")
    select(away, f"{since} 1:10 (1,4 1,4)", "S: * VANISHED (EARLIER) 2:3,9:10")
    select(away, f"{since} 1:10 (1,2,6 1,4)", "S: * VANISHED (EARLIER) 2:3,9:10")
    select(away, f"{since} 1:10 (1:4294967295 1:4294967295)", "S: * VANISHED (EARLIER) 2:3,9:10")


def test_changed_flags_follow_the_removals(away: World):
    from app.store.account.flags import FlagChange, Mode, store

    since = since_adding(away)
    change = FlagChange(mode=Mode.ADD, flags=DELETED)
    away.jane.write_now(lambda tx: store(tx, inbox(away).id, [8], change))
    modseq = inbox(away).modseq
    told = f"S: * VANISHED (EARLIER) 2:3,9:10\nS: * 6 FETCH (UID 8 FLAGS (\\Deleted) MODSEQ ({modseq}))"
    select(away, str(since), told)
    select(away, f"{since} 1:7", "S: * VANISHED (EARLIER) 2:3")


def test_nothing_is_remembered_of_a_mailbox_that_is_gone(away: World):
    jane = away.jane
    jane.write_now(lambda tx: mailboxes.delete(tx, "Archive"))
    expunge.erase_now(jane)
    rows = jane.read_now(lambda db: db.execute("SELECT uid FROM tombstone WHERE mailbox_id <> 1").fetchall())
    assert rows == []


def test_as_many_removals_are_remembered_as_may_be(away: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expunge, "MAX_TOMBSTONES", 2)
    since = since_adding(away)
    expunge.erase_now(away.jane)
    look = [away.jane.read_now(lambda db, s=s: expunge.removed_since(db, 1, s)) for s in (since, since + 1, since + 2)]
    assert look == [None, [9, 10], []]


def test_removals_are_remembered_when_the_server_starts_again(away: World, tmp_path: Path):
    since = since_adding(away)
    away.accounts.close()
    again = World(tmp_path)
    select(again, str(since), "S: * VANISHED (EARLIER) 2:3,9:10")
    again.close()
    away.accounts = Accounts(tmp_path / "data")
