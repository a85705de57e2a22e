"""COMPRESS=DEFLATE (RFC 4978): with and without TLS, asked for twice, with bombs, and how well it does."""

from __future__ import annotations

import asyncio
import ssl
import zlib

import pytest

from app.store.account import messages
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.imapserver.world import HOST, PASSWORD, World

RAW = -zlib.MAX_WBITS


class Client:
    """A raw client that may compress."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.deflater, self.inflater = None, None
        self.buffer = b""
        self.received = 0

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None) -> Client:
        client = cls(*await asyncio.open_connection(HOST, port))
        await client.until("* OK")
        if tls is not None:
            await client.say("STARTTLS")
            await client.writer.start_tls(tls, server_hostname="localhost")
        assert "x OK" in await client.say(f'LOGIN jane@example.com "{PASSWORD}"')
        return client

    async def compress(self) -> None:
        assert await self.say("COMPRESS DEFLATE") == "x OK compressed from here on\r\n"
        self.deflater, self.inflater = zlib.compressobj(9, zlib.DEFLATED, RAW), zlib.decompressobj(RAW)

    def send(self, data: bytes) -> None:
        if self.deflater is not None:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.writer.write(data)

    async def until(self, start: str) -> str:
        lines = []
        while True:
            line, found, rest = self.buffer.partition(b"\r\n")
            if not found:
                data = await asyncio.wait_for(self.reader.read(1 << 16), 20)
                assert data, f"closed after {lines}"
                self.received += len(data)
                self.buffer += self.inflater.decompress(data) if self.inflater is not None else data
                continue
            self.buffer = rest
            lines.append(line.decode("latin-1") + "\r\n")
            if lines[-1].startswith(start):
                return "".join(lines)

    async def say(self, text: str) -> str:
        self.send(f"x {text}\r\n".encode())
        return await self.until("x ")


def add(world: World, data: bytes) -> None:
    incoming = messages.Incoming(mailbox="Inbox", prepared=prepare(Body.of(data)))
    world.jane.write_now(lambda tx: messages.add(tx, incoming))


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
def test_everything_goes_compressed_after_the_ok(world: World, has_tls: bool):
    async def talk(port: int) -> None:
        client = await Client.connect(port, world.tls.client if has_tls else None)
        assert "COMPRESS=DEFLATE" in await client.say("CAPABILITY")
        await client.compress()
        assert (
            await client.say("COMPRESS DEFLATE") == "x NO [COMPRESSIONACTIVE] the connection is compressed already\r\n"
        )
        await client.say("SELECT Inbox")
        assert body.decode() in await client.say("FETCH 1 BODY.PEEK[]")
        client.send(b"x APPEND Inbox {%d+}\r\n%b\r\n" % (len(body), body))
        assert "* 2 EXISTS" in await client.until("x OK")
        client.send(b"x IDLE\r\n")
        await client.until("+ ")
        add(world, b"Subject: new\r\n\r\n")
        await client.until("* 3 EXISTS")
        client.send(b"DONE\r\n")
        await client.until("x OK")
        assert "STARTTLS" not in await client.say("UNAUTHENTICATE")  # it would have to go below the compression
        assert "x BAD" in await client.say("STARTTLS")
        assert "x OK" in await client.say(f'LOGIN jane@example.com "{PASSWORD}"')
        assert client.received < 3 * len(body) / 4
        assert "* BYE" in await client.say("LOGOUT")
        assert await client.reader.read() in (b"", b"\x03\x00")  # with or without an end of the stream

    body = b"Subject: large\r\n\r\n" + b"".join(b"line %d of the text\r\n" % n for n in range(8000))
    add(world, body)
    world.serve(talk)


def test_what_cannot_be_compressed_is_refused(world: World):
    async def talk(port: int) -> None:
        client = await Client.connect(port)
        assert await client.say("COMPRESS LZW") == "x BAD COMPRESS knows DEFLATE only\r\n"
        client.send(b"x COMPRESS DEFLATE\r\ny NOOP\r\n")
        assert "x BAD wait for the answer" in await client.until("x ")
        assert "y OK" in await client.until("y ")

    world.serve(talk)


def test_bombs_meet_the_limits_of_plain_bytes(world: World):
    async def talk(port: int) -> None:
        client, other = await Client.connect(port), await Client.connect(port)
        await client.compress()
        client.send(b"x NOOP " + b"a" * (50 << 20))
        assert "* BYE" in await client.until("* BYE")
        client = await Client.connect(port)
        await client.compress()
        client.send(b"x APPEND Inbox {%d+}\r\n" % (30 << 20) + b"a" * (30 << 20) + b"\r\n")
        for _ in range(20):
            assert "x OK" in await other.say("NOOP")
        client.writer.transport.abort()
        client = await Client.connect(port)
        await client.compress()
        client.send(b"x NOOP\r\n" * 20_000)
        answers = [await other.say("NOOP") for _ in range(20)]
        assert all("x OK" in answer for answer in answers)
        for _ in range(20_000):
            await client.until("x OK")

    world.serve(talk)
