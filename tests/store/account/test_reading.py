"""What is read of messages: ready rows, departed ones, and the exact answers of SEARCH."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account import expunge, flags, mailboxes
from app.store.account.flags import FlagChange, Mode
from app.store.account.reader import content_ids, departed_row, ready_rows
from app.store.account.search import Search, find_matches
from app.wire.imap.flags import DELETED, FLAGGED, SEEN
from app.wire.imap.parse.search import SearchCommand
from app.wire.imap.table import parse_arguments, read_name
from app.wire.imap.tokens import ImapCursor
from tests.support.accounts import add_now, simple_message, temporary_account

DAY = 86400


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def inbox(account):
    return account.read_now(lambda db: mailboxes.get(db, "Inbox"))


def store(account, uids, mode, bits=0, keywords=()):
    change = FlagChange(mode=mode, flags=bits, keywords=keywords)
    return account.write_now(lambda tx: flags.store(tx, inbox_id(tx), uids, change))


def inbox_id(tx):
    return mailboxes.get(tx.db, "Inbox").id


def expunge_uids(account, uids):
    return account.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), uids))


@pytest.mark.parametrize("uids", [[1], [1, 2, 3], [2, 4], [1, 30], [5, 6, 7, 99], list(range(1, 31))])
def test_ready_rows_are_those_that_were_asked_for(account, uids):
    for number in range(30):
        add_now(account, simple_message(number + 1))
    expunge_uids(account, [3, 6])
    box = inbox(account).id
    rows = account.read_now(lambda db: ready_rows(db, box, uids, ("size_bytes", "envelope")))
    wanted = [uid for uid in uids if uid <= 30 and uid not in (3, 6)]
    assert [row[0] for row in rows] == wanted
    assert all(b"message %d" % row[0] in row[2] for row in rows)


def test_departed_row_has_the_content_until_it_is_erased(account):
    add_now(account, simple_message(1))
    expunge_uids(account, [1])
    box = inbox(account).id
    columns = ("size_bytes", "envelope", "internaldate")
    row = account.read_now(lambda db: departed_row(db, box, 1, columns))
    assert row[:2] == (1, len(simple_message(1)))
    assert row[3] == 0
    expunge.erase_now(account)
    assert account.read_now(lambda db: departed_row(db, box, 1, columns)) is None
    assert account.read_now(lambda db: content_ids(db, box, [1])) == {}


def test_expunged_uids_since_a_modseq(account):
    for number in range(3):
        add_now(account, simple_message(number))
    expunge_uids(account, [2])
    between = inbox(account).modseq
    assert expunge_uids(account, [2, 3, 9]) == (3,)
    box = inbox(account).id
    assert account.read_now(lambda db: expunge.removed_since(db, box, between)) == [3]
    assert account.read_now(lambda db: expunge.removed_since(db, box, 0)) == [2, 3]


def test_set_replaces_and_remove_takes_away(account):
    add_now(account, simple_message(1), flags=SEEN, keywords=("b",))
    stored = store(account, [1], Mode.ADD, FLAGGED, ("a",))
    assert [(entry.flags, entry.keywords) for entry in stored.entries] == [(SEEN | FLAGGED, "a b")]
    stored = store(account, [1], Mode.REMOVE, SEEN, ("b",))
    assert [(entry.flags, entry.keywords) for entry in stored.entries] == [(FLAGGED, "a")]
    stored = store(account, [1, 2], Mode.SET, DELETED)
    assert [(entry.flags, entry.keywords, entry.modseq) for entry in stored.entries] == [(DELETED, "", stored.modseq)]
    assert store(account, [1], Mode.SET, DELETED).modseq == 0
    assert (inbox(account).deleted, inbox(account).unseen, inbox(account).keywords) == (1, 1, "a b")


FOUND = {
    "ALL": [1, 2, 3, 5],
    "SEEN": [2],
    "NOT SEEN": [1, 3, 5],
    "OR SEEN KEYWORD work": [2, 3],
    "1:2": [1, 2],
    "UID 2:*": [2, 3, 5],
    "*": [5],
    "UID 100:*": [5],
    "7": [],
    "$": [3],
    "NOT $": [1, 2, 5],
    'SUBJECT "SSAGE 3"': [3],
    "FROM sender2@": [2],
    "HEADER Message-Id 3@example": [3],
    'HEADER X-None ""': [],
    "BODY hello": [1, 2, 3, 5],
    'TEXT "hello 2"': [2],
    "SINCE 2-Jan-1970": [2, 3, 5],
    "BEFORE 2-Jan-1970": [1],
    "ON 3-Jan-1970": [3],
    "SENTON 22-Nov-2026": [1, 2, 3, 5],
    "SENTSINCE 22-Nov-2026": [1, 2, 3, 5],
    "SENTBEFORE 22-Nov-2026": [],
    "LARGER 10000": [],
    "SMALLER 10000": [1, 2, 3, 5],
    "(SEEN UNSEEN)": [],
}


@pytest.mark.parametrize("key", FOUND)
def test_search_finds_exactly(account, key):
    """Message 4 was expunged, and the client was not told: its number still counts."""
    for number in range(1, 6):
        keywords = ("work",) if number == 3 else ()
        bits = SEEN if number == 2 else 0
        add_now(account, simple_message(number), flags=bits, keywords=keywords, internaldate=(number - 1) * DAY)
    expunge_uids(account, [4])
    wanted = Search(mailbox_id=inbox(account).id, key=parse(key), view=[1, 2, 3, 4, 5], saved=[3])
    matches = account.read_now(lambda db: find_matches(db, account.directory / "msg", wanted))
    assert [match.uid for match in matches] == FOUND[key]


def test_the_day_of_the_date_field_is_that_of_its_writer_in_large_mailboxes_too(account):
    zones = ["+0000", "-1200", "+1400", "-0330", "+2359", "-2359", "EST"]
    moments = [(day, time, zone) for day in (20, 21, 22, 23) for time in ("00:00:00", "23:59:59") for zone in zones]
    for day, time, zone in moments:
        add_now(account, f"Date: {day} Nov 2026 {time} {zone}\r\n\r\nx\r\n".encode())
    add_now(account, b"Date: some day\r\n\r\nx\r\n")
    view = range(1, len(moments) + 2)
    wanted = {
        "SENTON 22-Nov-2026": lambda day: day == 22,
        "SENTSINCE 22-Nov-2026": lambda day: day >= 22,
        "SENTBEFORE 22-Nov-2026": lambda day: day < 22,
    }
    for key, holds in wanted.items():
        search = Search(mailbox_id=inbox(account).id, key=parse(key), view=view)
        matches = account.read_now(lambda db, search=search: find_matches(db, account.directory / "msg", search))
        assert [match.uid for match in matches] == [uid for uid, (day, *_) in enumerate(moments, 1) if holds(day)]


def parse(key: str):
    cursor = ImapCursor(f"a SEARCH {key}".encode())
    command = parse_arguments(cursor, read_name(cursor))
    assert isinstance(command, SearchCommand)
    return command.key


def test_rename_refuses_what_would_be_too_long_below(account):
    from app.errors import BadMailboxName

    account.write_now(lambda tx: mailboxes.create(tx, "a/" + "x" * 900))
    with pytest.raises(BadMailboxName, match="longer"):
        account.write_now(lambda tx: mailboxes.rename(tx, "a", "b" * 200))
    assert account.read_now(lambda db: mailboxes.find(db, "a")) is not None


def test_rename_of_inbox_keeps_its_uidvalidity_and_raises_its_modseq(account):
    add_now(account, simple_message(1), keywords=("work",))
    before = inbox(account)
    account.write_now(lambda tx: mailboxes.rename(tx, "Inbox", "Old/mail"))
    after = inbox(account)
    moved = account.read_now(lambda db: mailboxes.get(db, "Old/mail"))
    assert (after.uidvalidity, after.uidnext, after.total) == (before.uidvalidity, 2, 0)
    assert after.modseq == moved.modseq > before.modseq
    assert (moved.total, moved.uidnext, moved.keywords) == (1, 2, "work")
    assert moved.uidvalidity > before.uidvalidity
