"""Clients that leave, stall, send too much or break the rules: nothing is left behind and everybody else goes on."""

from __future__ import annotations

import asyncio
import gc
import re

import pytest

from app.errors import Temporary
from app.store.account import messages
from app.store.account.prepare import prepare
from app.store.spool import Body, Spool
from tests.imapserver.world import HOST, PASSWORD, World


class Client:
    """One raw connection that is signed in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def until(self, start: str) -> str:
        """All that comes up to the line that begins so."""
        lines = []
        while True:
            line = (await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 10)).decode("latin-1")
            lines.append(line)
            if line.startswith(start):
                return "".join(lines)

    async def say(self, text: str) -> str:
        """Give a command; returns the answer."""
        self.writer.write(f"x {text}\r\n".encode())
        return await self.until("x ")


async def sign_in(port: int) -> Client:
    client = Client(*await asyncio.open_connection(HOST, port, limit=1 << 28))
    await client.until("* OK")
    assert "x OK" in await client.say(f'LOGIN jane@example.com "{PASSWORD}"')
    return client


def add(world: World, data: bytes, mailbox: str = "Inbox") -> None:
    incoming = messages.Incoming(mailbox=mailbox, prepared=prepare(Body.of(data)))
    world.jane.write_now(lambda tx: messages.add(tx, incoming))


async def settled(world: World) -> None:
    """Until no session of jane is left."""
    async with asyncio.timeout(30):
        while world.jane.listeners or world.jane.eraser.readers:
            await world.jane.read(lambda db: None)


LEAVING = {
    "select": b"x SELECT Inbox\r\n",
    "select again": b"x SELECT Inbox\r\nx SELECT Archive\r\nx EXAMINE Inbox\r\n",
    "fetch": b"x SELECT Inbox\r\nx FETCH 1:* BODY[]\r\n",
    "idle": b"x SELECT Inbox\r\nx IDLE\r\n",
    "append": b"x APPEND Inbox {500000+}\r\n" + b"x" * 400_000,
    "append, waiting": b"x APPEND Inbox {500000}\r\n",
    "store": b"x SELECT Inbox\r\nx STORE 1:* +FLAGS \\Seen\r\n",
    "search": b"x SELECT Inbox\r\nx SEARCH TEXT hello\r\n",
}


@pytest.mark.parametrize("said", LEAVING.values(), ids=LEAVING)
def test_client_that_leaves_leaves_nothing_behind(world: World, said: bytes):
    async def talk(port: int) -> None:
        for delay in (0, 0.002, 0.02):  # the client goes at different points of the work
            client = await sign_in(port)
            client.writer.write(said)
            await asyncio.sleep(delay)
            client.writer.transport.abort()
        await asyncio.sleep(0.05)
        await settled(world)
        assert list(world.accounts.tmp_dir.iterdir()) == []

    for number in range(40):
        add(world, b"Subject: %d\r\n\r\nhello\r\n" % number + b"x" * 10_000)
    world.serve(talk)


def test_large_message_is_sent_at_the_pace_of_the_client(world: World):
    import tracemalloc

    size = 24 << 20
    body = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (size // 16)

    async def talk(port: int) -> None:
        client = Client(*await asyncio.open_connection(HOST, port, limit=1 << 16))
        await client.until("* OK")
        await client.say(f'LOGIN jane@example.com "{PASSWORD}"')
        await client.say("EXAMINE Inbox")
        gc.collect()
        tracemalloc.start()
        client.writer.write(b"x FETCH 1 (UID BODY[] FLAGS)\r\n")
        await asyncio.sleep(0.3)  # the client does not read
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        head = await client.reader.readuntil(b"}\r\n")
        assert head == b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % len(body)
        assert await client.reader.readexactly(len(body)) == body
        assert await client.until("x ") == " FLAGS ())\r\nx OK fetched\r\n"
        assert peak < 8 << 20

    spool = Spool(world.accounts.tmp_dir)
    spool.write(body)
    kept = spool.finish()
    world.jane.write_now(lambda tx: messages.add(tx, messages.Incoming(mailbox="Inbox", prepared=prepare(kept))))
    kept.discard()
    world.serve(talk)


@pytest.mark.parametrize(
    ("section", "start", "stop"),
    [("", 0, None), ("TEXT", 18, None), ("HEADER", 0, 18), ("1", 18, None), ("1.MIME", 0, 18)],
)
def test_sections_of_a_message_in_a_file_and_their_stretches(world: World, section: str, start: int, stop: int | None):
    body = b"Subject: large\r\n\r\n" + bytes(range(32, 96)) * 20_000
    wanted = body[start:stop]
    cuts = [(0, len(body) + 5), (5, 10), (len(wanted) - 3, 100), (len(wanted), 1), (1, 700_000)]

    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        for offset, length in cuts:
            answer = await client.say(f"FETCH 1 BODY.PEEK[{section}]<{offset}.{length}>")
            data = wanted[offset : offset + length].decode()
            shown = f"{{{len(data)}}}\r\n{data}" if data else '""'
            assert answer == f"* 1 FETCH (BODY[{section}]<{offset}> {shown})\r\nx OK fetched\r\n"

    spool = Spool(world.accounts.tmp_dir)
    spool.write(body)
    kept = spool.finish()
    world.jane.write_now(lambda tx: messages.add(tx, messages.Incoming(mailbox="Inbox", prepared=prepare(kept))))
    kept.discard()
    world.serve(talk)


def test_prefix_and_file_are_one_message_when_cut(world: World):
    body, prefix = b"Subject: large\r\n\r\n" + b"0123456789" * 60_000, b"Received: here\r\n"
    whole = prefix + body

    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        for offset, length in ((0, 20), (10, 600_000), (16, 5), (17, 500_000), (0, 1 << 30)):
            answer = await client.say(f"FETCH 1 BODY.PEEK[]<{offset}.{length}>")
            assert answer.encode().endswith(whole[offset : offset + length] + b")\r\nx OK fetched\r\n")

    spool = Spool(world.accounts.tmp_dir)
    spool.write(body)
    kept = spool.finish()
    incoming = messages.Incoming(mailbox="Inbox", prepared=prepare(kept), prefix=prefix)
    world.jane.write_now(lambda tx: messages.add(tx, incoming))
    kept.discard()
    world.serve(talk)


def test_full_disk_while_a_message_comes_ends_the_command_and_not_the_connection(world: World, monkeypatch):
    def fail(self: Spool, data: bytes) -> None:
        raise self._failed("disk full")

    async def talk(port: int) -> None:
        client = await sign_in(port)
        monkeypatch.setattr(Spool, "_write_file", fail)
        client.writer.write(b"x APPEND Inbox {400000+}\r\n" + b"m" * 400_000 + b"\r\n")
        assert "x NO [UNAVAILABLE]" in await client.until("x ")
        assert "x OK" in await client.say("NOOP")
        assert list(world.accounts.tmp_dir.iterdir()) == []

    world.serve(talk)


def test_mail_can_be_read_when_the_disk_is_full(world: World, monkeypatch):
    async def fail(fn: object) -> None:
        raise Temporary("disk full")

    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        monkeypatch.setattr(world.jane, "write", fail)
        assert await client.say("FETCH 1 BODY[TEXT]") == "* 1 FETCH (BODY[TEXT] {6}\r\nhello!)\r\nx OK fetched\r\n"

    add(world, b"Subject: x\r\n\r\nhello!")
    world.serve(talk)


def test_only_messages_that_were_sent_become_seen(world: World):
    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        client.writer.write(b"x FETCH 1:* BODY[]\r\n")
        await client.reader.readexactly(100)
        client.writer.transport.abort()
        await settled(world)

    for number in range(300):
        add(world, b"Subject: %d\r\n\r\n" % number + b"x" * 200_000)
    world.serve(talk)
    query = "SELECT count(*) FROM message WHERE mailbox_id = 1 AND flags & 1 = 0"
    (unseen,) = world.jane.read_now(lambda db: db.execute(query).fetchone())
    assert unseen > 100


def test_append_is_refused_before_the_message_comes(world: World):
    async def talk(port: int) -> None:
        client = await sign_in(port)
        assert (
            await client.say("APPEND Nowhere {5000000}") == "x NO [TRYCREATE] no mailbox 'Nowhere'; create it first\r\n"
        )
        client.writer.write(b"x APPEND Nowhere {200000+}\r\n" + b"m" * 200_000 + b"\r\n")
        assert "x NO [TRYCREATE]" in await client.until("x ")
        world.jane.quota_bytes = 100_000
        assert "x NO [OVERQUOTA]" in await client.say("APPEND Inbox {200000}")
        client.writer.write(b"x APPEND Inbox {60000+}\r\n" + b"m" * 60_000 + b" {60000}\r\n")
        assert "x NO [OVERQUOTA]" in await client.until("x ")
        assert "x OK" in await client.say("NOOP")

    world.serve(talk)


def test_any_bytes_are_kept_as_they_came(world: World):
    odd = [b"", b"\0", b"a\nb\n\nc\n", b"\n", b"\r\r\n", bytes(range(256)) * 300, b":\n\n", b"A: b\n c\n\n\0text\n"]

    async def talk(port: int) -> None:
        client = await sign_in(port)
        for data in odd:
            client.writer.write(b"x APPEND Inbox {%d+}\r\n%b\r\n" % (len(data), data))
            assert "x OK" in await client.until("x ")
        await client.say("SELECT Inbox")
        for seq, data in enumerate(odd, 1):
            answer = await client.say(f"FETCH {seq} (ENVELOPE BODYSTRUCTURE BODY[TEXT] BODY[1.MIME] BODY.PEEK[])")
            assert "FETCH (ENVELOPE" in answer
            size = int(re.search(r"BODY\[\] \{(\d+)\}", answer)[1]) if data or "BODY[] {" in answer else 0
            assert size in (len(data), len(data) + 2)  # an empty header is put before what begins with none
        assert "x OK" in await client.say("SEARCH TEXT text")

    world.serve(talk)


HUGE = {
    "all": ("1:4294967295", 3),
    "backwards": ("4294967295:1", 3),
    "star": ("*", 1),
    "thousands": (",".join(f"{n}:{n + 1}" for n in range(1, 1500)), 3),
    "beyond": ("4294967295", 0),
}


@pytest.mark.parametrize(("named", "count"), HUGE.values(), ids=HUGE)
def test_huge_sets_of_uids(world: World, named: str, count: int):
    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        assert (await client.say(f"UID FETCH {named} UID")).count("* ") == count
        assert (await client.say(f"UID STORE {named} +FLAGS (a)")).count("FETCH") == count
        assert "x OK" in await client.say(f"UID COPY {named} Archive")
        assert "x OK" in await client.say(f"UID SEARCH UID {named}")
        assert "x OK" in await client.say(f"UID MOVE {named} Inbox")

    for number in range(3):
        add(world, b"Subject: %d\r\n\r\n" % number)
    world.serve(talk)


def test_many_commands_in_one_packet_are_answered_in_order(world: World):
    async def talk(port: int) -> None:
        client = await sign_in(port)
        await client.say("SELECT Inbox")
        commands = [f"a{n} {('NOOP', 'FETCH 1 BODY[]', 'STORE 1 FLAGS (k)', 'SEARCH ALL')[n % 4]}" for n in range(400)]
        client.writer.write("".join(f"{command}\r\n" for command in commands).encode())
        answer = await client.until("a399 ")
        assert re.findall(r"^a(\d+) OK", answer, re.MULTILINE) == [str(n) for n in range(400)]

    add(world, b"Subject: x\r\n\r\nhello")
    world.serve(talk)
