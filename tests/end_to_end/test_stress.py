"""Several clients at once, at random, against the built file: none is told what contradicts what it was told before.

MOX_STRESS_S=300 goes on for that many seconds. Each client keeps sequence numbers, uids, flags and modseqs as it was
told; no modseq may go back, and whenever all are quiet, every picture must be the mailbox.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time

import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD
from tests.support.built import Instance

SECONDS = float(os.environ.get("MOX_STRESS_S", "8"))
CLIENTS = 6
BOX = "Stress"
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "one", "two")
MANY = 150  # messages; then more are removed
_FETCH = re.compile(r"\* (\d+) FETCH \((.*)\)")
_COUNT = re.compile(r"\* (\d+) (EXISTS|EXPUNGE)")
_HIGHEST = re.compile(r"\[HIGHESTMODSEQ (\d+)\]")


class Client:
    """A client that believes what it is told; half of them know QRESYNC."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seed: int) -> None:
        self.reader, self.writer = reader, writer
        self.dice = random.Random(seed)
        self.has_qresync = seed % 2 == 0
        self.view: list[int] = []  # uids; 0 is not known yet
        self.flags: dict[int, str] = {}
        self.modseqs: dict[int, int] = {}
        self.highest = 0
        self.commands = 0

    async def command(self, text: str, literal: bytes = b"") -> str:
        """Send a command, believe the answer, and return how it ended."""
        self.commands += 1
        tag = f"t{self.commands} "
        self.writer.write(f"{tag}{text}\r\n".encode() + (literal + b"\r\n" if literal else b""))
        while True:
            line = (await self.reader.readuntil(b"\r\n"))[:-2].decode()
            if line.startswith(tag):
                return line.removeprefix(tag)
            self.hear(line)

    def hear(self, line: str) -> None:
        """Believe an untagged response."""
        if found := _FETCH.fullmatch(line):
            self._hear_fetch(int(found[1]), found[2])
        elif (found := _COUNT.fullmatch(line)) and found[2] == "EXISTS":
            assert int(found[1]) >= len(self.view), line
            self.view += [0] * (int(found[1]) - len(self.view))
        elif found:
            assert not self.has_qresync, line
            self._forget(self.view.pop(int(found[1]) - 1))
        elif line.startswith("* VANISHED "):
            assert self.has_qresync, line
            for uid in expand(line.split()[-1]):
                self._vanished(uid)

    def _hear_fetch(self, seq: int, items: str) -> None:
        assert 0 < seq <= len(self.view), f"{seq} {items}"
        uid = self.view[seq - 1]
        if found := re.search(r"UID (\d+)", items):
            assert uid in (0, int(found[1])), f"{seq} was {uid}: {items}"
            uid = self.view[seq - 1] = int(found[1])
        assert uid, f"no uid: {items}"
        if found := re.search(r"FLAGS \(([^)]*)\)", items):
            self.flags[uid] = " ".join(sorted(found[1].split()))
        if found := re.search(r"MODSEQ \((\d+)\)", items):
            assert int(found[1]) >= self.modseqs.get(uid, 0), f"{uid} had {self.modseqs[uid]}: {items}"
            self.modseqs[uid] = int(found[1])

    def _vanished(self, uid: int) -> None:
        """One whose uid the client does not know is the next after those that it knows to be before."""
        place = max((seq for seq, one in enumerate(self.view, 1) if 0 < one < uid), default=0)
        place = self.view.index(uid) if uid in self.view else place
        assert self.view[place] in (0, uid), f"{uid} was not there"
        del self.view[place]
        self._forget(uid)

    def _forget(self, uid: int) -> None:
        self.flags.pop(uid, None)
        self.modseqs.pop(uid, None)

    async def step(self) -> None:
        """One random command."""
        kind = self.dice.randrange(12)
        if kind < 3 or len(self.view) < 5:
            body = b"Subject: %d\r\n\r\nx\r\n" % self.commands
            answer = await self.command(f"APPEND {BOX} ({self.dice.choice(FLAGS)}) {{{len(body)}+}}", body)
        elif kind < 7:
            mode = self.dice.choice(("FLAGS", "+FLAGS", "-FLAGS"))
            answer = await self.command(f"UID STORE {self._uids()} {mode} ({self.dice.choice(FLAGS)})")
        elif kind == 7:
            answer = await self.command("EXPUNGE" if len(self.view) > MANY else f"UID EXPUNGE {self._uids()}")
        elif kind == 8:
            answer = await self.command(f"UID {self.dice.choice(('COPY', 'MOVE'))} {self._uids()} {BOX}")
        elif kind == 9:
            answer = await self.command(f"STATUS {BOX} (HIGHESTMODSEQ MESSAGES)")
        elif kind == 10:
            answer = await self._idle()
        else:
            answer = await self.command("UID FETCH 1:* (FLAGS MODSEQ)")
        assert answer.startswith("OK"), answer

    async def _idle(self) -> str:
        self.commands += 1
        self.writer.write(f"t{self.commands} IDLE\r\n".encode())
        while not (line := (await self.reader.readuntil(b"\r\n"))[:-2].decode()).startswith("+"):
            self.hear(line)
        await asyncio.sleep(self.dice.random() / 50)
        self.writer.write(b"DONE\r\n")
        while not (line := (await self.reader.readuntil(b"\r\n"))[:-2].decode()).startswith("t"):
            self.hear(line)
        return line.partition(" ")[2]

    def _uids(self) -> str:
        known = [uid for uid in self.view if uid] or [1]
        first, last = sorted(self.dice.choices(known, k=2))
        return str(first) if self.dice.randrange(2) else f"{first}:{min(last, first + 10)}"

    async def check(self) -> dict[int, tuple[str, int]]:
        """The mailbox as this client knows it, which a look at all of it must not change."""
        assert (await self.command("NOOP")).startswith("OK")
        flags, modseqs = dict(self.flags), dict(self.modseqs)
        assert (await self.command("UID FETCH 1:* (FLAGS MODSEQ)")).startswith("OK")
        assert sorted(self.view) == self.view
        assert {uid: self.flags[uid] for uid in flags} == flags
        assert {uid: self.modseqs[uid] for uid in modseqs} == modseqs
        answer = await self.command(f"STATUS {BOX} (HIGHESTMODSEQ)")
        assert answer.startswith("OK")
        return {uid: (self.flags[uid], self.modseqs[uid]) for uid in self.view}


async def connect(server: Instance, seed: int) -> Client:
    """A client with the mailbox open."""
    client = Client(*await asyncio.open_connection(server.ip, 1143), seed)
    await client.reader.readuntil(b"\r\n")
    assert (await client.command(f"LOGIN {ACCOUNT} {PASSWORD}")).startswith("OK")
    if client.has_qresync:
        await client.command("ENABLE QRESYNC")
    await client.command(f"CREATE {BOX}")
    assert (await client.command(f"SELECT {BOX} (CONDSTORE)")).startswith("OK")
    return client


async def play(server: Instance, seed: int) -> None:
    """Random commands for a while; now and then all wait and compare."""
    clients = [await connect(server, seed + number) for number in range(CLIENTS)]
    end = time.monotonic() + SECONDS

    async def some_steps(client: Client) -> None:
        for _ in range(25):
            await client.step()

    while time.monotonic() < end:
        await asyncio.gather(*map(some_steps, clients))
        pictures = [await client.check() for client in clients]
        assert all(picture == pictures[0] for picture in pictures)
    for client in clients:
        client.writer.close()


def expand(text: str) -> list[int]:
    """The numbers of a set."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@pytest.mark.timeout(SECONDS * 3 + 60)
def test_clients_under_load_agree_and_no_modseq_goes_back(server: Instance) -> None:
    asyncio.run(play(server, random.Random(os.environ.get("MOX_STRESS_SEED", "1")).getrandbits(30)))
