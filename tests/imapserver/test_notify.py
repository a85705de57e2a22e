"""NOTIFY: a client that only listens knows what there is (RFC 5465)."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from app.errors import Temporary
from app.imapserver import notices
from tests.imapserver.model.wire import Wire
from tests.imapserver.world import World

EVERYTHING = (
    "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))"
    " (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"
)
_LIST = re.compile(rb'\* LIST \(([^)]*)\) "/" (\S+)(?: \("OLDNAME" \((\S+)\)\))?')
_STATUS = re.compile(rb"\* STATUS (\S+) \(MESSAGES (\d+) UIDNEXT (\d+) UIDVALIDITY \d+ UNSEEN (\d+) .*\)")
_COUNTS = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE)")
_FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+) FLAGS \(([^)]*)\)\)")
NAMES = ("Inbox", "Work", "Work/a", "b", "c")
STEPS = 150


class Listener:
    """A client that keeps its picture by what it is told."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.names: dict[bytes, set[bytes]] = {}  # with their attributes
        self.counts: dict[bytes, tuple[bytes, ...]] = {}
        self.uids: list[bytes] = []
        self.flags: dict[bytes, set[bytes]] = {}

    def hear(self, lines: list[bytes]) -> None:
        for line in lines:
            if (found := _LIST.fullmatch(line)) and found[1]:  # SELECT tells the name alone
                if found[3]:
                    self.names.pop(found[3], None)
                    self.counts[found[2]] = self.counts.pop(found[3], ())
                if b"\\NonExistent" in found[1]:
                    self.names.pop(found[2], None)
                    self.counts.pop(found[2], None)
                else:
                    self.names[found[2]] = set(found[1].split())
            elif found := _STATUS.fullmatch(line):
                self.counts[found[1]] = found.groups()[1:]
            elif found := _COUNTS.fullmatch(line):
                if found[2] == b"EXPUNGE":
                    self.flags.pop(self.uids.pop(int(found[1]) - 1), None)
                else:
                    self.uids += [b""] * (int(found[1]) - len(self.uids))
            elif found := _FETCH.fullmatch(line):
                self.uids[int(found[1]) - 1] = found[2]
                self.flags[found[2]] = set(found[3].split())

    async def truth(self, wire: Wire) -> None:
        """Compare with what a client that asks is told."""
        asked = Listener(wire)
        for command in (
            'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE))',
            "EXAMINE Inbox",
            "FETCH 1:* (UID FLAGS)",
        ):
            asked.hear((await wire.command(command)).lines)
        await wire.command("UNSELECT")
        assert set(self.names) == set(asked.names)
        changes = {name: marks - {b"\\HasChildren", b"\\HasNoChildren"} for name, marks in asked.names.items()}
        assert {name: marks - {b"\\HasChildren", b"\\HasNoChildren"} for name, marks in self.names.items()} == changes
        empty = (b"0", b"1", b"0")
        others = {name: counts for name, counts in asked.counts.items() if name != b"Inbox" and counts != empty}
        mine = {name: counts for name, counts in self.counts.items() if name != b"Inbox" and counts != empty}
        assert {name: counts for name, counts in mine.items() if counts} == others
        assert self.uids == asked.uids
        assert self.flags == asked.flags


async def signed_in(world: World) -> Wire:
    wire = Wire(world)
    await wire.sign_in()
    return wire


async def append(wire: Wire, name: str, text: str = "x") -> None:
    data = f"Subject: {text}\r\n\r\nbody\r\n".encode()
    await wire.command(f"APPEND {name} {{{len(data)}+}}", data)


async def act(chance: random.Random, wire: Wire) -> None:
    """Something that may be refused, as a mailbox may not be there."""
    name, other = chance.sample(NAMES, 2)
    uids = f"{chance.randint(1, 9)}:{chance.randint(1, 20)}"
    mark = chance.choice(("\\Seen", "\\Flagged", "\\Deleted"))
    actions = [
        *("", "", "", "", f"CREATE {name}", f"CREATE {other}", f"DELETE {name}", f"RENAME {name} {other}"),
        *(f"SUBSCRIBE {name}", f"UNSUBSCRIBE {name}", f"SELECT {name}", f"SELECT {other}", "EXPUNGE"),
        *(f"UID STORE {uids} FLAGS.SILENT ({mark})", f"UID STORE {uids} +FLAGS ({mark})"),
        *(f"UID COPY {uids} {other}", f"UID MOVE {uids} {other}"),
    ]
    action = chance.choice(actions)
    await (wire.command(action) if action else append(wire, name))


@pytest.mark.parametrize("seed", range(4))
def test_client_that_only_listens_knows_what_others_do(seed: int, world: World):
    chance = random.Random(seed)

    async def talk() -> None:
        listener, actor, witness = (Listener(await signed_in(world)), await signed_in(world), await signed_in(world))
        listener.hear((await listener.wire.command('LIST "" * RETURN (SUBSCRIBED)')).lines)
        listener.hear((await listener.wire.command("SELECT Inbox")).lines)
        reply = await listener.wire.command(EVERYTHING)
        assert reply.status == "OK"
        listener.hear(reply.lines)
        for step in range(STEPS):
            await act(chance, actor)
            if step % 5 == 0:
                await asyncio.sleep(0)
                listener.hear((await listener.wire.command("NOOP")).lines)
                await listener.truth(witness)

    asyncio.run(talk())


def test_news_come_in_the_forms_that_were_enabled(world: World):
    async def talk() -> None:
        one, two = await signed_in(world), await signed_in(world)
        await append(one, "Inbox")
        await one.command("ENABLE QRESYNC UIDONLY")
        await one.command("SELECT Inbox")
        await two.command("SELECT Inbox")
        await one.command("NOTIFY SET (selected (MessageNew (FLAGS) MessageExpunge FlagChange))")
        await append(two, "Inbox")
        await one.until(b"* 2 UIDFETCH")
        lines = one.take()
        assert lines[0] == b"* 2 EXISTS"
        assert re.fullmatch(rb"\* 2 UIDFETCH \(FLAGS \(\) MODSEQ \(\d+\)\)", lines[1])
        await two.command("STORE 2 FLAGS.SILENT (\\Deleted)")
        await one.until(b"* 2 UIDFETCH")
        assert re.fullmatch(rb"\* 2 UIDFETCH \(FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)", one.take()[0])
        await two.command("EXPUNGE")
        await one.until(b"* VANISHED 2")

    asyncio.run(talk())


def test_removals_that_a_command_held_back_are_told_once_it_ended(world: World):
    async def talk() -> None:
        one, two = await signed_in(world), await signed_in(world)
        for _ in range(2):
            await append(one, "Inbox")
        for wire in (one, two):
            await wire.command("SELECT Inbox")
        await one.command("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
        await two.command("STORE 1 FLAGS.SILENT (\\Deleted)")
        await one.until(b"* 1 FETCH")
        one.take()
        tag = one.send("FETCH 2 (UID BODY.PEEK[])")  # runs in a task
        await two.command("EXPUNGE")
        await one.until(b"* 1 EXPUNGE")
        lines = one.take()
        assert lines.index(tag + b" OK fetched") < lines.index(b"* 1 EXPUNGE")

    asyncio.run(talk())


def test_client_that_does_not_read_is_told_that_it_missed_something(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notices, "MAX_PENDING", 3)

    async def talk() -> None:
        one, two = await signed_in(world), await signed_in(world)
        await one.command("NOTIFY SET (personal (MailboxName))")
        one._protocol.pause_writing()
        for name in "abcd":
            await two.command(f"CREATE {name}")
        assert not one.received
        one._protocol.resume_writing()
        await one.until(b"* OK [NOTIFICATIONOVERFLOW]")
        assert len(one.take()) == 1
        await two.command("CREATE e")
        assert (await one.command("NOOP")).lines == []
        assert (await one.command("NOTIFY SET (personal (MailboxName))")).status == "OK"
        await two.command("CREATE f")
        await one.until(b'* LIST (\\HasNoChildren \\Subscribed) "/" f')

    asyncio.run(talk())


def test_what_cannot_be_read_now_is_told_later(world: World, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object) -> None:
        raise Temporary("no reader")

    async def talk() -> None:
        one, two = await signed_in(world), await signed_in(world)
        await one.command("NOTIFY SET (personal (MailboxName))")
        with monkeypatch.context() as patch:
            patch.setattr(world.jane, "read", broken)
            await two.command("CREATE a")
            for _ in range(10):
                await asyncio.sleep(0)
            assert (await one.command("NOOP")).lines == []
        await two.command("RENAME a b")
        await one.until(b'* LIST (\\HasNoChildren \\Subscribed) "/" b')

    asyncio.run(talk())


def test_client_that_was_not_told_all_is_not_told_that_it_was(world: World):
    async def talk() -> None:
        one, two = await signed_in(world), await signed_in(world)
        await one.command("ENABLE QRESYNC")
        for _ in range(2):
            await append(one, "Inbox")
        await one.command("SELECT Inbox")
        await one.command("NOTIFY NONE")
        await append(two, "Inbox")
        await one.command("UID STORE 1 FLAGS.SILENT (\\Deleted)")
        silent = await one.command("EXPUNGE")
        assert (silent.lines, silent.code) == ([b"* VANISHED 1"], "")
        await one.command("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
        await one.command("UID STORE 2 FLAGS.SILENT (\\Deleted)")
        assert (await one.command("EXPUNGE")).code.startswith("HIGHESTMODSEQ")

    asyncio.run(talk())


def test_too_many_groups_are_refused_as_such(world: World):
    async def talk() -> None:
        one = await signed_in(world)
        reply = await one.command("NOTIFY SET" + " (personal NONE)" * 51)
        assert (reply.status, reply.code) == ("NO", "NOTIFICATIONOVERFLOW")

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("done", "names"),
    [
        ([("b", "a")], {"b": "a"}),
        ([("b", "a"), ("c", "b")], {"c": "a"}),
        ([("b", "a"), ("a", "b")], {"a": None}),
        ([("a", None), ("b", "a")], {"a": None, "b": None}),
    ],
)
def test_of_several_renames_a_client_hears_as_of_one(done: list[tuple[str, str | None]], names: dict[str, str | None]):
    pending: dict[str, str | None] = {}
    for name, old in done:
        notices._note_name(pending, name, old)
    assert pending == names
