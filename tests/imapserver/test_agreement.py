"""Several clients on one mailbox, in any interleaving, agree on what is in it.

Each client keeps the picture that it was told: EXISTS, EXPUNGE and FETCH of its own and of unasked responses. After any
number of random commands and a NOOP, that picture must be what the server answers to a full FETCH.
"""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest

from tests.imapserver.world import HOST, World

STEPS = 400
SEEDS = range(4)
_FETCH = re.compile(r"\* (\d+) FETCH \((?:UID (\d+) )?(?:FLAGS \(([^)]*)\))?.*\)")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "one", "two")


class Client:
    """A client that believes what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.messages: list[frozenset[str] | None] = []  # flags by sequence number; None is not known yet
        self.tag = 0

    async def command(self, text: str, literal: bytes | None = None) -> str:
        self.tag += 1
        line = f"t{self.tag} {text}\r\n".encode()
        self.writer.write(line if literal is None else line + literal + b"\r\n")
        while True:
            answer = (await self.reader.readuntil(b"\r\n"))[:-2].decode()
            if answer.startswith(f"t{self.tag} "):
                return answer.partition(" ")[2]
            self.hear(answer)

    def hear(self, line: str) -> None:
        if found := re.fullmatch(r"\* (\d+) EXISTS", line):
            count = int(found[1])
            assert count >= len(self.messages), "EXISTS must not shrink"
            self.messages += [None] * (count - len(self.messages))
        elif found := re.fullmatch(r"\* (\d+) EXPUNGE", line):
            del self.messages[int(found[1]) - 1]
        elif (found := _FETCH.match(line)) and found[3] is not None:
            self.messages[int(found[1]) - 1] = frozenset(found[3].split())

    async def check(self) -> None:
        assert (await self.command("NOOP")).startswith("OK")
        pictured = list(self.messages)
        assert (await self.command("FETCH 1:* FLAGS")).startswith("OK")
        known = [new if old is None else old for old, new in zip(pictured, self.messages, strict=True)]
        assert known == self.messages


async def open_client(port: int) -> Client:
    client = Client(*await asyncio.open_connection(HOST, port))
    await client.reader.readuntil(b"\r\n")
    await client.command('LOGIN jane@example.com "correct horse"')
    assert (await client.command("SELECT Inbox")).startswith("OK")
    return client


def some_set(rng: random.Random, client: Client) -> str:
    count = len(client.messages)
    first, second = rng.randint(1, count), rng.randint(1, count)
    return rng.choice((str(first), f"{min(first, second)}:{max(first, second)}", f"{first},{second}"))


async def random_step(rng: random.Random, client: Client) -> None:
    kind = rng.randrange(11)
    if kind < 3 or not client.messages:
        body = b"Subject: %d\r\n\r\nx\r\n" % rng.randrange(1000)
        answer = await client.command(f"APPEND Inbox ({rng.choice(FLAGS)}) {{{len(body)}+}}", body)
    elif kind < 7:
        mode = rng.choice(("FLAGS", "+FLAGS", "-FLAGS")) + rng.choice(("", ".SILENT"))
        chosen = some_set(rng, client)
        answer = await client.command(f"STORE {chosen} {mode} ({' '.join(rng.sample(FLAGS, 2))})")
        if "SILENT" in mode:  # a silent client knows itself what it did; this one asks
            await client.command(f"FETCH {chosen if answer.startswith('OK') else '1:*'} FLAGS")
        assert answer.startswith(("OK", "NO these messages were expunged"))
        return
    elif kind == 7:
        answer = await client.command("EXPUNGE")
    elif kind == 8:
        answer = await client.command(f"UID MOVE {rng.randint(1, 50)}:{rng.randint(1, 50)} Archive")
    elif kind == 9:
        place, target = rng.randint(1, len(client.messages)), rng.choice(("Inbox", "Inbox", "Archive"))
        answer = await client.command(f"REPLACE {place} {target} (\\Draft) {{9+}}", b"a: new\r\n\r")
        assert answer.startswith(("OK", "NO [EXPUNGEISSUED]")), answer
        return
    else:
        answer = await client.command(rng.choice(("NOOP", "FETCH 1:* (UID FLAGS)", "UID SEARCH DELETED", "CHECK")))
    assert answer.startswith("OK"), answer


async def play(port: int, seed: int) -> None:
    rng = random.Random(seed)
    clients = [await open_client(port) for _ in range(4)]
    for step in range(STEPS):
        both = rng.sample(clients, 2)
        await asyncio.gather(*(random_step(random.Random(rng.random()), client) for client in both))
        if step % 20 == 0:
            await asyncio.gather(*(client.check() for client in clients))
    for client in clients:
        await client.check()
    assert all(client.messages == clients[0].messages for client in clients)
    for client in clients:
        client.writer.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_clients_agree_after_random_commands(tmp_path: Path, seed: int):
    world = World(tmp_path)
    world.serve(lambda port: play(port, seed))
    world.close()
