"""A client that does the worst it can, while ten others work on the same account and on another connection each.

Not the clock is judged, but the order: between a question of a polite client that can be answered at once and its
answer, the hostile one gets only so many commands carried out. The latency is printed with -s.
"""

from __future__ import annotations

import asyncio
import time
import zlib

import pytest

from app.imapserver.connection import EVENTS_AT_ONCE, ImapConnection
from app.store.account import messages
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.imapserver.world import HOST, PASSWORD, World

POLITE = 10
ROUNDS = 8
MESSAGES = 200
# A hostile connection has its 100 commands in a turn of the event loop; a polite command takes a few turns.
MOST_BETWEEN = 8 * EVENTS_AT_ONCE
SELECT = b"s SELECT Inbox\r\n"

DEEP = b"(" * 5000
HOSTILE = {
    "pipelined noops": SELECT + b"x NOOP\r\n" * 20_000,
    "pipelined fetches": SELECT + b"x FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)\r\n" * 1000,
    "everything, unread": SELECT + b"x FETCH 1:* (BODY[] ENVELOPE)\r\n" * 200,
    "huge searches": SELECT + b"x SEARCH" + b" OR TEXT needle BODY straw" * 500 + b" ALL\r\n" * 5,
    "deep nesting": SELECT
    + (b"x SEARCH " + DEEP + b"ALL\r\nx FETCH 1 " + DEEP + b"\r\nx THREAD REFERENCES UTF-8 ALL\r\n") * 9,
    "copy storm": SELECT + b"x COPY 1:* Archive\r\n" * 20,
    "stores": SELECT + (b"x STORE 1:* +FLAGS (a b c)\r\nx STORE 1:* FLAGS ()\r\n") * 20,
    "selects": b"x SELECT Inbox\r\nx SELECT Archive\r\n" * 300,
    "lists": b'x LIST "" (' + b"%*%*%*%*a " * 40 + b"b) RETURN (STATUS (MESSAGES SIZE))\r\n" * 300,
    "bomb": b"x COMPRESS DEFLATE\r\n",
}


class Client:
    """A polite client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> Client:
        client = cls(*await asyncio.open_connection(HOST, port, limit=1 << 24))
        await client.reader.readline()
        assert "x OK" in await client.say(f'LOGIN jane@example.com "{PASSWORD}"')
        return client

    async def say(self, text: str) -> str:
        self.writer.write(f"x {text}\r\n".encode())
        while not (line := await self.reader.readline()).startswith(b"x "):
            assert line
        return line.decode()


async def attack(port: int, said: bytes) -> asyncio.StreamWriter:
    """A connection that has sent all of it, and reads nothing."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=1 << 12)
    await reader.readline()
    writer.write(f'h LOGIN jane@example.com "{PASSWORD}"\r\n'.encode())
    while not (await reader.readline()).startswith(b"h OK"):
        pass
    writer.write(said)
    if b"COMPRESS" in said:
        while not (await reader.readline()).startswith(b"x OK"):
            pass
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        writer.write(deflater.compress(b"x NOOP\r\n" * 1_000_000) + deflater.flush(zlib.Z_SYNC_FLUSH))
    writer.transport.pause_reading()
    return writer


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_hostile_client_does_not_keep_others_waiting(world: World, monkeypatch: pytest.MonkeyPatch, said: bytes):
    done = 0
    between: list[int] = []
    waits: list[float] = []
    polite: set[int] = set()
    finish = ImapConnection._done

    def counted(self: ImapConnection, name: str, started: float, result: str) -> None:
        nonlocal done
        done += self.transport.get_extra_info("peername")[1] not in polite if not self.is_gone else 0
        finish(self, name, started, result)

    async def work(client: Client) -> None:
        for command in (
            "NOOP",
            "FETCH 1:5 (FLAGS ENVELOPE)",
            "STATUS Inbox (MESSAGES)",
            "STORE 1 +FLAGS (seen)",
        ) * ROUNDS:
            before, started = done, time.perf_counter()
            assert "x OK" in await client.say(command)
            if command == "NOOP":  # answered in one callback; the others wait for a disk too
                between.append(done - before)
            waits.append(time.perf_counter() - started)

    async def talk(port: int) -> None:
        clients = [await Client.connect(port) for _ in range(POLITE)]
        for client in clients:
            polite.add(client.writer.get_extra_info("sockname")[1])
            assert "x OK" in await client.say("SELECT Inbox")
        hostile = await attack(port, said)
        await asyncio.gather(*map(work, clients))
        hostile.transport.abort()
        for client in clients:
            client.writer.transport.abort()

    monkeypatch.setattr(ImapConnection, "_done", counted)
    for number in range(MESSAGES):
        data = b"Subject: %d\r\n\r\n" % number + b"some straw in a stack\r\n" * 400
        incoming = messages.Incoming(mailbox="Inbox", prepared=prepare(Body.of(data)))
        world.jane.write_now(lambda tx, incoming=incoming: messages.add(tx, incoming))
    world.serve(talk)
    waits.sort()
    p50, p99 = (waits[len(waits) * percent // 100] * 1000 for percent in (50, 99))
    print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {max(between)} commands between")
    assert max(between) <= MOST_BETWEEN
