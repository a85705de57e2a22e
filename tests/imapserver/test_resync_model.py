"""A client that is away and comes back by QRESYNC has the mailbox as it is, whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from app.store.account import expunge, flags, mailboxes, messages
from app.store.account.flags import FlagChange, Mode
from app.wire.imap.sequence import parse_set
from app.wire.imap.tokens import ImapCursor
from tests.imapserver.world import PASSWORD, World
from tests.support.accounts import add_now, simple_message

ROUNDS = 12
VANISHED = re.compile(rb"\* VANISHED(?: \(EARLIER\))? (\S+)\r\n")
FETCHED = re.compile(rb"\* (\d+) FETCH \(UID (\d+) FLAGS \(([^)]*)\) MODSEQ \((\d+)\)\)\r\n")
MODSEQ = re.compile(rb"\* OK \[HIGHESTMODSEQ (\d+)\]")


class Client:
    """What a mail program keeps between its visits: flags by uid, and the modseq up to which it knows all."""

    def __init__(self, uidvalidity: int) -> None:
        self.uidvalidity = uidvalidity
        self.flags: dict[int, bytes] = {}
        self.modseq = 1

    async def visit(self, port: int, known: str) -> None:
        """Sign in, catch up, leave."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f'a LOGIN jane@example.com "{PASSWORD}"\r\nb ENABLE QRESYNC\r\n'.encode())
        parameters = f"{self.uidvalidity} {self.modseq} {known}".rstrip()
        writer.write(f"c SELECT Inbox (QRESYNC ({parameters}))\r\nd LOGOUT\r\n".encode())
        while line := await reader.readline():
            self.hear(line)
        writer.close()

    def hear(self, line: bytes) -> None:
        if found := VANISHED.fullmatch(line):
            for uid in parse_set(ImapCursor(found[1])).select_uids(sorted(self.flags)):
                del self.flags[uid]
        elif found := FETCHED.fullmatch(line):
            self.flags[int(found[2])] = found[3]
            assert sorted(self.flags).index(int(found[2])) + 1 == int(found[1]), "removals must come first"
        elif found := MODSEQ.match(line):
            self.modseq = int(found[1])


def change_something(world: World, dice: random.Random) -> None:
    jane = world.jane
    box = jane.read_now(lambda db: mailboxes.get(db, "Inbox"))
    uids = jane.read_now(lambda db: messages.all_uids(db, box.id))
    some = sorted(dice.sample(uids, dice.randint(0, min(len(uids), 4))))
    what = dice.randrange(5)
    if what == 0 or not uids:
        add_now(jane, simple_message(dice.randrange(1000)))
    elif what == 1:
        jane.write_now(lambda tx: expunge.expunge(tx, box, some))
    elif what == 2:
        jane.write_now(lambda tx: messages.move(tx, box.id, some, dice.choice([box.id, box.id + 1])))
    elif what == 3:
        change = FlagChange(mode=dice.choice(list(Mode)), flags=dice.randrange(16))
        jane.write_now(lambda tx: flags.store(tx, box.id, some, change))
    else:
        expunge.erase_now(jane)


@pytest.mark.parametrize("seed", range(4))
def test_a_client_that_comes_back_has_what_is_there(world: World, monkeypatch: pytest.MonkeyPatch, seed: int):
    monkeypatch.setattr(expunge, "MAX_TOMBSTONES", 3)
    dice = random.Random(seed)
    box = world.jane.read_now(lambda db: mailboxes.get(db, "Inbox"))

    async def come_and_go(port: int) -> None:
        client = Client(box.uidvalidity)
        for _ in range(ROUNDS):
            for _ in range(dice.randrange(12)):
                await asyncio.to_thread(change_something, world, dice)
            await client.visit(port, "")
            rows = world.jane.read_now(
                lambda db: db.execute("SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid", (box.id,)).fetchall()
            )
            assert sorted(client.flags) == [uid for (uid,) in rows]
            stored = await world.jane.indexes.load(box.id)
            assert [set(client.flags[uid].split()) for uid in stored.uids] == [names(bits) for bits in stored.flags]

    world.serve(come_and_go)


def names(bits: int) -> set[bytes]:
    words = (b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Deleted")
    return {word for place, word in enumerate(words) if bits & 1 << place}
