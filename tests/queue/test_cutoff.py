"""A server that breaks off at any byte, or floods: the attempt ends soon, and no message goes out twice in it."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.store.queuerecords import QueueFilter
from tests.support.queues import message, running_queue

REPLIES = (
    b"220 x\r\n",
    b"250-x\r\n250 PIPELINING\r\n",
    b"250 2.1.0 ok\r\n250-2.1.5 yes\r\n250 2.1.5 ok\r\n354 go\r\n",
    b"250 2.0.0 taken\r\n",
)
WHOLE = b"".join(REPLIES)
CUT = {reply[:length] for reply in REPLIES for length in range(len(reply))}
BEFORE_BODY = len(WHOLE) - len(REPLIES[-1])
BOTH = {
    "two.test": {"MX": ["10 one.two.test", "20 other.two.test"]},
    "one.two.test": {"A": ["127.0.0.97"]},
    "other.two.test": {"A": ["127.0.0.98"]},
}


class Server:
    """Says what it is given, each piece after what it waits for, and counts whole messages."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = tuple(pieces)
        self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for piece, awaited in zip(self.pieces, (b"\r\n", b"DATA\r\n", b"\r\n.\r\n", b"QUIT\r\n"), strict=False):
                writer.write(piece)
                await writer.drain()
                if piece in CUT:
                    break
                await reader.readuntil(awaited)
                self.taken += awaited == b"\r\n.\r\n"
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


def cut(length: int) -> list[bytes]:
    """The replies up to so many bytes; nothing follows what is cut."""
    pieces, left = [], length
    for reply in REPLIES:
        pieces.append(reply[:left])
        if left < len(reply):
            break
        left -= len(reply)
    return pieces


@asynccontextmanager
async def two_servers(first: Server, second: Server) -> AsyncIterator[int]:
    async with await asyncio.start_server(first.serve, "127.0.0.97", 0) as one:
        port = one.sockets[0].getsockname()[1]
        async with await asyncio.start_server(second.serve, "127.0.0.98", port):
            yield port


async def attempt(directory: Path, first: Server) -> tuple[Server, bool, str]:
    """The second server, whether the message has left the queue, and else the error."""
    second = Server(REPLIES)
    async with two_servers(first, second) as port, running_queue(directory, BOTH, port) as bench:
        await bench.send(message("x@two.test"))
        rows = await bench.setup.db.find(QueueFilter())
        error = (await bench.setup.db.attempts(rows[0].id))[0].error if rows else ""
        return second, not rows, error


@pytest.mark.parametrize("length", range(0, len(WHOLE), 3))
def test_breaking_off_at_any_byte_makes_no_second_copy(tmp_path: Path, length: int) -> None:
    first = Server(cut(length))
    second, is_gone, _ = asyncio.run(asyncio.wait_for(attempt(tmp_path, first), 20))
    if length < BEFORE_BODY:
        assert (first.taken, second.taken, is_gone) == (0, 1, True)
    else:  # it may have arrived: nobody else gets it now
        assert (second.taken, is_gone) == (0, False)


FLOODS = {
    "endless line": b"220 " + b"x" * 5_000_000,
    "endless reply": b"220-x\r\n" * 1_000_000,
    "long reply": b"220-x\r\n" * 10_000 + b"220 x\r\n",
    "unasked replies": b"220 x\r\n" + b"250 x\r\n" * 100_000,
    "rubbish": bytes(range(256)) * 10_000,
    "blank lines": b"\r\n" * 100_000,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_the_conversation_and_the_next_server_is_tried(tmp_path: Path, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    second, is_gone, error = asyncio.run(asyncio.wait_for(attempt(tmp_path, Server([FLOODS[name]])), 20))
    assert (second.taken, is_gone, error) == (1, True, "")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("step", [1, 2, 3], ids=["ehlo", "envelope", "message"])
def test_a_flood_at_any_later_step_ends_too_and_makes_no_second_copy(tmp_path: Path, step: int, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = Server([*REPLIES[:step], FLOODS[name].replace(b"220", b"250")])
    second, is_gone, _ = asyncio.run(asyncio.wait_for(attempt(tmp_path, first), 20))
    if step < 3:
        assert (first.taken, second.taken, is_gone) == (0, 1, True)
    else:  # the message may have arrived; a good reply before the flood says that it has
        assert (second.taken, is_gone) == (0, name == "unasked replies")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
