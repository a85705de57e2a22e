"""Results that are kept up to date: after any commands of two clients, they are what a new search finds (RFC 5267)."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from app.imapserver.contexts import MAX_CONTEXTS
from tests.imapserver.model.wire import Reply, Wire
from tests.imapserver.world import World

STEPS = 120
_CHANGE = re.compile(rb'\* ESEARCH \(TAG "(\w+)"[^)]*\)( UID)? (ADDTO|REMOVEFROM) \(([^)]*)\)')
_ALL = re.compile(rb" ALL ([0-9,:]+)")
_COUNTS = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE)")
SEARCHES = {
    "UID SEARCH RETURN (ALL UPDATE)": ("UNSEEN", "1:3 NOT DELETED", "SUBJECT blue", "UID 4:* FLAGGED", "KEYWORD one"),
    "SEARCH RETURN (UPDATE ALL CONTEXT)": ("UNDELETED", "OR SEEN FLAGGED", "$ UNSEEN"),
    "UID SORT RETURN (ALL UPDATE) (SUBJECT REVERSE ARRIVAL) UTF-8": ("UNSEEN", "ALL"),
    "SORT RETURN (ALL UPDATE) (REVERSE SUBJECT) UTF-8": ("FLAGGED", "UNSEEN"),
}
COLOURS = ("red", "blue", "green", "Åkra")


def numbers(text: bytes) -> list[int]:
    spans = [[int(end) for end in piece.split(b":")] for piece in text.split(b",")]
    return [number for span in spans for number in range(span[0], span[-1] + 1)]


class Follower:
    """A client that keeps results as it is told, by uid."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.view: list[int] = []
        self.results: dict[bytes, list[int]] = {}
        self.changes = 0

    async def command(self, text: str, literal: bytes | None = None) -> Reply:
        reply = await self.wire.command(text, literal)
        for line in reply.lines:
            await self.hear(line)
        return reply

    async def hear(self, line: bytes) -> None:
        if found := _COUNTS.match(line):
            if found[2] == b"EXPUNGE":
                del self.view[int(found[1]) - 1]
            else:
                self.view += [0] * (int(found[1]) - len(self.view))
        elif found := _CHANGE.fullmatch(line):
            await self.follow(found[1], found[3], found[4].split(), has_seqs=not found[2])

    async def follow(self, tag: bytes, change: bytes, pairs: list[bytes], *, has_seqs: bool) -> None:
        result = self.results[tag]
        self.changes += 1
        for position, text in zip(map(int, pairs[::2]), pairs[1::2], strict=True):
            if has_seqs and not all(self.view):
                await self.learn_uids()
            named = [self.view[number - 1] if has_seqs else number for number in numbers(text)]
            if change == b"ADDTO":
                at = position - 1 if position else len(result)
                result[at:at] = named
            elif position:
                assert result[position - 1 : position - 1 + len(named)] == named
                del result[position - 1 : position - 1 + len(named)]
            else:
                assert set(named) <= set(result)
                result[:] = [uid for uid in result if uid not in named]
            if not position:
                result.sort()

    async def learn_uids(self) -> None:
        """New messages were appended in the order that the test knows."""
        reply = await self.wire.command("FETCH 1:* UID")
        uids = [int(found[1]) for line in reply.lines if (found := re.fullmatch(rb"\* \d+ FETCH \(UID (\d+)\)", line))]
        self.view[:] = uids[: len(self.view)]
        for line in reply.lines:
            if not line.endswith(b")") or b"FETCH (UID" not in line:
                await self.hear(line)

    async def search(self, text: str) -> tuple[bytes, list[int]]:
        tag = self.wire.send(text)
        reply = await self.wire.reply(tag)
        assert reply.status == "OK", reply
        found = _ALL.search(reply.lines[0])
        named = numbers(found[1]) if found else []
        if " UID" not in f" {text}"[:5]:
            named = [self.view[number - 1] for number in named]
        return tag, named


async def select(wire: Wire) -> Follower:
    await wire.sign_in()
    follower = Follower(wire)
    await follower.command("SELECT Inbox")
    await follower.learn_uids()
    return follower


def letter(chance: random.Random, number: int) -> bytes:
    return f"Subject: {chance.choice(COLOURS)}\r\nMessage-ID: <{number}@x>\r\n\r\nbody\r\n".encode()


async def act(chance: random.Random, wires: list[Wire], step: int, follower: Follower) -> None:
    wire = chance.choice(wires)
    flags = chance.choice(("\\Seen", "\\Flagged", "\\Deleted", "one"))
    uids = f"{chance.randint(1, 30 + step // 3)}:{chance.randint(1, 30 + step // 3)}"
    text, literal = chance.choice(
        [
            (f"UID STORE {uids} {chance.choice('+-')}FLAGS.SILENT ({flags})", None),
            (f"UID STORE {uids} FLAGS ({flags})", None),
            (f"UID COPY {uids} Inbox" if step % 5 == 0 else "NOOP", None),
            ("EXPUNGE" if step % 4 == 0 else "NOOP", None),
            ("x", letter(chance, step)),
        ]
    )
    if literal is not None:
        text = f"APPEND Inbox {{{len(literal)}+}}"
    talk = follower.command if wire is follower.wire else wire.command
    reply = await talk(text, literal)
    assert reply.status == "OK", (text, reply)


@pytest.mark.parametrize("seed", range(3))
def test_results_follow_whatever_two_clients_do(seed: int, world: World):
    chance = random.Random(seed)

    async def talk() -> None:
        first, second = Wire(world), Wire(world)
        await first.sign_in()
        for number in range(8):
            message = letter(chance, 1000 + number)
            await first.command(f"APPEND Inbox {{{len(message)}+}}", message)
        follower, other = await select(second), await select(Wire(world))
        await follower.command("UID SEARCH RETURN (SAVE) 2:6")
        searches = [f"{start} {key}" for start, keys in SEARCHES.items() for key in chance.sample(keys, 2)]
        asked = {}
        for text in searches:
            tag, found = await follower.search(text)
            follower.results[tag], asked[tag] = found, text
        frozen = {"1:3 ": "UID 1:3 ", "$ ": "UID 2:6 "}
        for step in range(STEPS):
            await act(chance, [follower.wire, other.wire], step, follower)
            if step % 10:
                continue
            await follower.command("NOOP")
            await follower.learn_uids()
            await follower.command("NOOP")
            for tag, text in asked.items():
                again = text.replace(" UPDATE", "").replace("UPDATE ", "")
                for old, new in frozen.items():
                    again = again.replace(f") {old}", f") {new}")
                again = again.replace("UID 4:*", "UID 4:9999")
                _, found = await follower.search(again)
                assert follower.results[tag] == found, (step, text)
        assert follower.changes > STEPS

    asyncio.run(talk())


def test_updates_are_refused_past_the_bound_and_the_search_is_answered(world: World):
    async def talk() -> None:
        follower = await select(Wire(world))
        for _ in range(MAX_CONTEXTS):
            assert (await follower.command("SEARCH RETURN (UPDATE) ALL")).lines == [follower_line(follower.wire)]
        reply = await follower.command("SEARCH RETURN (COUNT UPDATE) ALL")
        assert reply.status == "OK"
        assert b'* NO [NOUPDATE "t%d"]' % follower.wire._tags in reply.lines[0]
        assert reply.lines[1].endswith(b" COUNT 0")
        assert (await follower.command('CANCELUPDATE "t4" "t5"')).status == "OK"
        assert (await follower.command('CANCELUPDATE "t4"')).status == "BAD"
        assert len((await follower.command("SEARCH RETURN (UPDATE) ALL")).lines) == 1
        old = await follower.command("SEARCH RETURN (UPDATE COUNT) OLDER 3600")
        assert b"NOUPDATE" in old.lines[0]

    asyncio.run(talk())


def follower_line(wire: Wire) -> bytes:
    return b'* ESEARCH (TAG "t%d")' % wire._tags
