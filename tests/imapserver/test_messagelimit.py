"""MESSAGELIMIT: one command works on so many messages, the newest, and says how far it came (RFC 9738)."""

from __future__ import annotations

import asyncio

import pytest

from app.imapserver.messagelimit import narrow
from app.imapserver.session import Session
from app.store.account.search import Search
from app.wire.imap.parse.searchkey import parse_keys
from app.wire.imap.tokens import ImapCursor
from tests.imapserver.model.wire import Reply, Wire
from tests.imapserver.world import World
from tests.support.accounts import add_now, simple_message


async def selected(world: World, enabled: str = "") -> Wire:
    wire = Wire(world)
    await wire.sign_in()
    if enabled:
        await wire.command(f"ENABLE {enabled}")
    await wire.command("SELECT Inbox")
    return wire


def play(world: World, *commands: str, enabled: str = "") -> list[Reply]:
    """Answers to these commands, in a mailbox of five messages of which three can be worked on at once."""
    for number in range(5):
        add_now(world.jane, simple_message(number))
    world.max_messages = 3
    return ask(world, *commands, enabled=enabled)


def ask(world: World, *commands: str, enabled: str = "") -> list[Reply]:
    """Answers to these commands in the Inbox."""

    async def talk() -> list[Reply]:
        wire = await selected(world, enabled)
        return [await wire.command(command) for command in commands]

    return asyncio.run(talk())


def test_limit_is_announced(world: World):
    assert b" MESSAGELIMIT=3 " in play(world, "CAPABILITY")[0].lines[0] + b" "


@pytest.mark.parametrize("items", ["UID", "(UID ENVELOPE)", "(UID BODY.PEEK[])"])
def test_fetch_tells_the_newest_and_where_it_stopped(world: World, items: str):
    all_, rest, few = play(world, f"FETCH 1:* {items}", f"UID FETCH 1:2 {items}", f"FETCH 1,3,5 {items}")
    assert (len(all_.lines), all_.status, all_.code) == (3, "OK", "MESSAGELIMIT 3 3")
    assert [line[:9] for line in all_.lines] == [b"* 3 FETCH", b"* 4 FETCH", b"* 5 FETCH"]
    assert (len(rest.lines), rest.code) == (2, "")
    assert (len(few.lines), few.code) == (3, "")


def test_page_of_fetch_that_is_too_large_is_refused(world: World):
    small, large = play(world, "UID FETCH 1:* UID (PARTIAL -1:-3)", "UID FETCH 1:* UID (PARTIAL 1:4)")
    assert (len(small.lines), small.status, small.code) == (3, "OK", "")
    assert (large.lines, large.status, large.code) == ([], "NO", "MESSAGELIMIT 3")


def test_changes_are_counted_and_not_messages(world: World):
    seen, flags, modseq = play(
        world, "STORE 1 FLAGS.SILENT (\\Seen)", "UID SEARCH SEEN", "STATUS Inbox (HIGHESTMODSEQ)"
    )
    assert seen.status == "OK"
    assert flags.code == "MESSAGELIMIT 3 3"
    newest = int(modseq.lines[-1].rpartition(b" ")[2].rstrip(b")"))
    changed = ask(world, f"FETCH 1:* FLAGS (CHANGEDSINCE {newest - 1})")[0]
    assert ([line[:9] for line in changed.lines if b"FETCH" in line], changed.code) == ([b"* 1 FETCH"], "")


def test_store_changes_the_newest(world: World):
    stored, flags = play(world, "STORE 1:* +FLAGS.SILENT (\\Seen)", "SEARCH 3:5 SEEN")
    assert (stored.status, stored.code) == ("OK", "MESSAGELIMIT 3 3")
    assert flags.lines == [b"* SEARCH 3 4 5"]


def test_limit_comes_before_another_code(world: World):
    modseq = play(world, "STORE 5 FLAGS.SILENT (\\Seen)", "STATUS Inbox (HIGHESTMODSEQ)")[1]
    newest = int(modseq.lines[-1].rpartition(b" ")[2].rstrip(b")"))
    stored = ask(world, f"UID STORE 1:* (UNCHANGEDSINCE {newest - 1}) +FLAGS.SILENT (\\Flagged)")[0]
    assert b"* NO [MESSAGELIMIT 3 3] only the newest messages were worked on" in stored.lines
    assert (stored.status, stored.code) == ("OK", "MODIFIED 5")


def test_copy_is_whole_or_refused(world: World):
    copied, status, few = play(world, "UID COPY 1:* Archive", "STATUS Archive (MESSAGES)", "COPY 1:3 Archive")
    assert (copied.status, copied.code) == ("NO", "MESSAGELIMIT 3 3")
    assert status.lines == [b"* STATUS Archive (MESSAGES 0)"]
    assert few.status == "OK"


def test_move_moves_the_newest(world: World):
    moved, rest = play(world, "MOVE 1:* Archive", "UID SEARCH ALL")
    assert (moved.status, moved.code) == ("OK", "MESSAGELIMIT 3 3")
    assert [line for line in moved.lines if b"EXPUNGE" in line] == [b"* %d EXPUNGE" % seq for seq in (5, 4, 3)]
    assert rest.lines == [b"* SEARCH 1 2"]


def test_move_with_qresync_tells_both_codes(world: World):
    moved = play(world, "MOVE 1:* Archive", enabled="QRESYNC")[0]
    assert moved.lines[-1].startswith(b"* NO [MESSAGELIMIT 3 3]")
    assert moved.code.startswith("HIGHESTMODSEQ")


def test_uid_expunge_counts_what_is_marked_and_expunge_is_not_limited(world: World):
    mark = [f"UID STORE {uids} FLAGS.SILENT (\\Deleted)" for uids in ("1:2", "4:5")]
    *_, three, all_ = play(world, *mark, "UID EXPUNGE 1:*", "EXPUNGE")
    assert (len(three.lines), three.status, three.code) == (3, "OK", "MESSAGELIMIT 3 2")
    assert all_.lines == [b"* 1 EXPUNGE"]


def test_unmarked_messages_do_not_count_for_uid_expunge(world: World):
    *_, expunged = play(world, "UID STORE 1:2 FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 1:*")
    assert (len(expunged.lines), expunged.code) == (2, "")


def test_search_looks_at_the_newest_and_saves_no_others(world: World):
    replies = play(
        world,
        "SEARCH UNDELETED",
        "SEARCH 1:2 UNDELETED",
        "UID SEARCH RETURN (SAVE COUNT) ALL",
        "UID SEARCH RETURN (ALL) $",
        "UID SEARCH UIDBEFORE 3",
        "UID SEARCH UIDAFTER 3",
        "UID SEARCH OR UIDAFTER 5 UIDBEFORE 1",
        "UID SEARCH UIDAFTER 4294967295",
        "UID SEARCH UIDAFTER 0",
    )
    *replies, beyond, bad = replies
    assert (beyond.lines, bad.status) == ([b"* SEARCH"], "BAD")
    assert [reply.code for reply in replies] == [
        "MESSAGELIMIT 3 3",
        "",
        "MESSAGELIMIT 3 3",
        "",
        "",
        "",
        "MESSAGELIMIT 3 3",
    ]
    assert replies[0].lines == [b"* SEARCH 3 4 5"]
    assert replies[1].lines == [b"* SEARCH 1 2"]
    assert replies[2].lines[0].endswith(b"COUNT 3")
    assert replies[3].lines[0].endswith(b"ALL 3:5")
    assert [reply.lines for reply in replies[4:]] == [[b"* SEARCH 1 2"], [b"* SEARCH 4 5"], [b"* SEARCH"]]


@pytest.mark.parametrize("command", ["SORT (DATE) UTF-8", "THREAD REFERENCES UTF-8", "UID SORT (ARRIVAL) UTF-8"])
def test_what_has_an_order_of_its_own_is_refused(world: World, command: str):
    too_many, few = play(world, f"{command} ALL", f"{command} UIDAFTER 2 UNDELETED")
    assert (too_many.status, too_many.code) == ("NO", "MESSAGELIMIT 3")
    assert few.status == "OK"


def test_search_in_many_mailboxes_is_refused_where_one_is_too_large(world: World):
    replies = play(world, "ESEARCH IN (mailboxes (Inbox Archive)) ALL", "ESEARCH IN (mailboxes Archive) ALL")
    assert [(reply.status, reply.code) for reply in replies] == [("NO", "MESSAGELIMIT 3"), ("OK", "")]


def test_append_of_too_many_messages_adds_none(world: World):
    world.max_messages = 2

    async def talk() -> None:
        wire = await selected(world)
        for count, status in ((3, "NO"), (2, "OK")):
            reply = await wire.command("APPEND Inbox {5+}", b"a: b\n" + b" {5+}\r\na: b\n" * (count - 1))
            assert reply.status == status
            assert reply.code.startswith("MESSAGELIMIT 2" if status == "NO" else "APPENDUID")
        assert b"* 2 EXISTS" in reply.lines

    asyncio.run(talk())


class Limited(Session):
    """A session whose commands work on three messages."""

    max_messages = 3  # type: ignore[assignment]

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("keys", "lowest"),
    [
        ("ALL", 70),
        ("UID 15:55", 30),
        ("UID 10,20,90,100", 20),
        ("1:4", 20),
        ("1:2 UID 20:*", 0),
        ("(1:4 UNSEEN) UID 20:50", 0),
        ("NOT 1:9", 70),
        ("$", 20),
        ("UIDAFTER 70", 0),
        ("UIDBEFORE 41 UIDAFTER 9", 20),
    ],
)
def test_messages_that_a_search_names_by_number_are_counted(keys: str, lowest: int):
    view = list(range(10, 101, 10))
    view.remove(80)
    key, _ = parse_keys(ImapCursor(keys.encode()), "utf-8")
    _, bounded = narrow(Limited(), Search(mailbox_id=1, key=key, view=view, saved=[10, 20, 30, 40]))
    assert bounded.lowest == lowest
