"""WebSockets through a forward: real sockets, backends that say what they like."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable

import pytest

from tests.web.sites.test_forward import PATIENCE_S, Talk, _proxied

KEY = base64.b64encode(b"0123456789abcdef").decode()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
SWITCHED = (
    f"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
)

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _request(
    *fields: str, key: str = KEY, version: str = "13", method: str = "GET", connection: str = "Upgrade"
) -> bytes:
    head = [f"{method} /chat HTTP/1.1", "Host: www.example", f"Connection: {connection}", "Upgrade: websocket"]
    head += [f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}", *fields]
    return "\r\n".join((*head, "", "")).encode()


def _answers(answer: str, heads: list[bytes] | None = None) -> Talk:
    """A backend that answers a handshake and then sends back what it gets, in capitals."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(head)
        writer.write(answer.encode())
        while data := await reader.read(65536):
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    return talk


def _talk_through(backend: Talk, client: Client) -> None:
    async def run() -> None:
        async with _proxied(backend) as port, asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await client(reader, writer)
            writer.close()

    asyncio.run(run())


def _first_line(backend: Talk, request: bytes) -> bytes:
    lines: list[bytes] = []

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request)
        lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])

    _talk_through(backend, client)
    return lines[0]


def test_bytes_go_both_ways_untouched() -> None:
    heads: list[bytes] = []

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("Sec-WebSocket-Protocol: chat", "X-Forwarded-For: 1.2.3.4") + b"early")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert f"sec-websocket-accept: {ACCEPT}\r\n".encode() in head.lower().replace(
            ACCEPT.lower().encode(), ACCEPT.encode()
        )
        assert await reader.readexactly(5) == b"EARLY"
        for size in (1, 70_000, 1_000_000):
            writer.write(b"x" * size)
            assert await reader.readexactly(size) == b"X" * size

    _talk_through(_answers(SWITCHED + "", heads), client)
    (head,) = heads
    assert b"\r\nupgrade: websocket\r\n" in head.lower()
    assert b"\r\nconnection: upgrade\r\n" in head.lower()
    assert b"sec-websocket-protocol: chat\r\n" in head.lower()
    assert b"1.2.3.4" not in head


def test_what_the_backend_says_at_once_is_not_lost() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request())
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"

    _talk_through(_answers(SWITCHED + "hello"), client)


def test_end_of_the_backend_ends_the_client() -> None:
    async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((SWITCHED + "bye").encode())
        await writer.drain()
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request())
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read(-1) == b"bye"

    _talk_through(backend, client)


def test_client_that_goes_ends_the_backend() -> None:
    ended = asyncio.Event()

    async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED.encode())
        await reader.read(-1)
        ended.set()
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request())
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await ended.wait()

    _talk_through(backend, client)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (_request(version="8"), b"426"),
        (_request(key="short"), b"400"),
        (_request(key="A" * 24), b"400"),
        (_request("Sec-WebSocket-Key: " + KEY), b"400"),
        (_request(method="POST"), b"400"),
        (_request(connection="keep-alive"), b"400"),
        (_request("Content-Length: 5") + b"hello", b"400"),
        (_request().replace(b"HTTP/1.1", b"HTTP/1.0"), b"400"),
    ],
)
def test_handshake_that_is_wrong_is_refused_and_reaches_no_backend(request_: bytes, status: bytes) -> None:
    heads: list[bytes] = []
    assert _first_line(_answers(SWITCHED, heads), request_).split()[1] == status
    assert heads == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", b"403"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"200"),
        (SWITCHED.replace(ACCEPT, KEY), b"502"),
        (SWITCHED.replace("Upgrade: WebSocket\r\n", ""), b"502"),
        ("HTTP/1.1 101\r\n\r\n", b"502"),
        ("nonsense\r\n\r\n", b"502"),
    ],
)
def test_answers_of_backends_that_do_not_switch(answer: str, status: bytes) -> None:
    assert _first_line(_answers(answer), _request()).split()[1] == status
