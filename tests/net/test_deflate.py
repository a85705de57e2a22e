"""The layer of DEFLATE: exact in both directions, and no more inflated than is taken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import zlib
from collections.abc import Awaitable, Callable

import pytest

from app.net import deflate
from app.net.connection import Connection
from app.net.listen import Serving, bind

HOST = "127.0.0.1"
RAW = -zlib.MAX_WBITS


class Sink(Connection):
    """Compressed from the start; keeps what came, and may be told to wait after each piece."""

    def __init__(self, *, waits: bool = False) -> None:
        super().__init__()
        self.pieces: list[int] = []
        self.digest = 0
        self.has_ended = False
        self.waits = waits
        self.go_on = asyncio.Event()

    def connected(self) -> None:
        self.transport = deflate.insert(self, self.transport)

    def received(self, data: bytes) -> None:
        if data:
            self.pieces.append(len(data))
            self.digest = zlib.crc32(data, self.digest)
        if self.waits:
            self.start_task(self.rest())

    async def rest(self) -> None:
        await self.go_on.wait()
        self.waits = False

    def ended(self) -> None:
        self.has_ended = True
        self.write(b"got %d %d" % (sum(self.pieces), self.digest))
        self.close()


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until it is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0)


def transport_of(sink: Sink) -> object:
    return getattr(sink, "transport", None)


def talk(
    conversation: Callable[[asyncio.StreamReader, asyncio.StreamWriter, Sink], Awaitable[None]], *, waits: bool = False
) -> None:
    async def run() -> None:
        serving = Serving()
        sinks: list[Sink] = []

        def make() -> Sink:
            sinks.append(Sink(waits=waits))
            return sinks[-1]

        sock = bind(HOST, 0)
        await serving.add(sock, make)
        try:
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            await turns_until(lambda: bool(sinks) and isinstance(transport_of(sinks[0]), deflate.DeflateLayer))
            async with asyncio.timeout(30):
                await conversation(reader, writer, sinks[0])
            writer.transport.abort()
        finally:
            await serving.stop(grace_s=0)

    asyncio.run(run())


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_FULL_FLUSH])
@pytest.mark.parametrize("kind", ["zeros", "random", "text"])
def test_all_that_was_deflated_arrives_before_the_end(flush: int, kind: str):
    size = 3_000_000
    data = {
        "zeros": bytes(size),
        "random": os.urandom(size),
        "text": b"".join(b"%d " % n for n in range(500_000))[:size],
    }[kind]

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        deflater = zlib.compressobj(9, zlib.DEFLATED, RAW)
        dice, at = random.Random(4), 0
        while at < size:
            step = dice.choice((1, 7, 1000, 70_000, 400_000))
            writer.write(deflater.compress(data[at : at + step]) + deflater.flush(flush))
            at += step
        writer.write_eof()
        answer = zlib.decompressobj(RAW).decompress(await reader.read())
        assert answer == b"got %d %d" % (size, zlib.crc32(data))
        assert max(sink.pieces) <= deflate.PIECE_BYTES

    talk(conversation)


def test_bomb_is_inflated_only_as_far_as_it_is_taken():
    size = 200 << 20
    deflater = zlib.compressobj(9, zlib.DEFLATED, RAW)
    bomb = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(200)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 256 << 10

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        writer.write(bomb)
        await turns_until(lambda: bool(sink.pieces))
        for _ in range(2000):
            await asyncio.sleep(0)
        held = len(sink._waiting)
        assert sum(sink.pieces) + held <= 5 * deflate.PIECE_BYTES
        sink.go_on.set()
        taken = sum(sink.pieces)
        while sum(sink.pieces) < size:  # others have their turn all the while
            await asyncio.sleep(0)
            assert sum(sink.pieces) - taken <= deflate.TURN_BYTES + 5 * deflate.PIECE_BYTES
            taken = sum(sink.pieces)

    talk(conversation, waits=True)


@pytest.mark.parametrize(
    "sent", [b"\xff\xff\xff\xff", b"a NOOP\r\n", zlib.compress(b"a NOOP\r\n")], ids=["noise", "plain", "zlib"]
)
def test_damaged_stream_ends_the_connection(sent: bytes):
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        writer.write(sent)
        with contextlib.suppress(ConnectionResetError):  # closed without a word is as good
            assert await reader.read() == b""
        assert sink.is_gone
        assert not sink.pieces

    talk(conversation)


def test_end_of_the_stream_is_the_end_of_what_is_sent():
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        deflater = zlib.compressobj(1, zlib.DEFLATED, RAW)
        writer.write(deflater.compress(b"last") + deflater.flush(zlib.Z_FINISH) + b"a NOOP\r\n" * 1000)
        assert zlib.decompressobj(RAW).decompress(await reader.read()).startswith(b"got 4 ")

    talk(conversation)


def test_compressor_that_was_let_go_of_is_not_missed():
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        inflater = zlib.decompressobj(RAW)
        for number in range(20):
            sink.write(b"* %d EXISTS\r\n" % number)
            sink.flush()
            assert inflater.decompress(await reader.read(1000)) == b"* %d EXISTS\r\n" % number
            if number % 3 == 0:
                assert isinstance(sink.transport, deflate.DeflateLayer)
                sink.transport._let_go()

    talk(conversation)
