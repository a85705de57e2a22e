"""A web server behind ours, for tests: counts what is uploaded, sends as much as is asked for, and echoes WebSockets.

It runs in a thread with an event loop of its own, on a port that the kernel chooses.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PIECE = b"x" * 65536
_START_S = 30


@dataclass
class Backend:
    """What it serves, and the heads of requests that it got."""

    ip: str
    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if b"\r\nupgrade: websocket" in head.lower():
                    await _echo(head, reader, writer)
                elif match := re.match(rb"GET \S*/bytes/(\d+)", head):
                    await _send(int(match[1]), writer)
                else:
                    _answer(b"%d bytes\n" % await _count(head, reader), writer)
                await writer.drain()
        writer.close()


async def _count(head: bytes, reader: asyncio.StreamReader) -> int:
    """Read the body, and say how long it was."""
    if match := re.search(rb"\r\ncontent-length: *(\d+)", head.lower()):
        return await _skip(int(match[1]), reader)
    if b"\r\ntransfer-encoding: chunked" not in head.lower():
        return 0
    total = 0
    while size := int((await reader.readline()).strip(), 16):
        total += await _skip(size, reader)
        await reader.readline()
    await reader.readline()
    return total


async def _skip(size: int, reader: asyncio.StreamReader) -> int:
    left = size
    while left:
        data = await reader.read(min(left, 1 << 16))
        if not data:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(data)
    return size


async def _send(size: int, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for start in range(0, size, len(_PIECE)):
        writer.write(_PIECE[: size - start])
        await writer.drain()


def _answer(body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _echo(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back each short frame of a WebSocket, unmasked (RFC 6455 §5.2)."""
    key = re.search(rb"\r\nsec-websocket-key: *(\S+)", head, re.I)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while True:
        first, length = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(await reader.readexactly(length & 127)))
        writer.write(bytes((first, len(data))) + data)
        if first & 15 == 8:
            raise ConnectionResetError


@contextlib.contextmanager
def backend(ip: str) -> Iterator[Backend]:
    """One while the block lasts."""
    made, loop, ready = Backend(ip), asyncio.new_event_loop(), threading.Event()

    async def listen() -> None:
        server = await asyncio.start_server(made.talk, ip, 0, limit=1 << 20)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(_START_S)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_S)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
