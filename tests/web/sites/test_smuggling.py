"""Requests whose end or path two servers could see differently: what the client is told, and what a backend sees."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from app.config.webhandlers import WebForward
from app.net.httpclient import Backends
from app.web.serving import PageServer
from app.web.sites.forward import Forward

PATIENCE_S = 20.0
HOST = b"Host: www.example.org\r\n"
END = b"Connection: close\r\n\r\n"

# The request, and the status that answers it; none of them may reach a backend.
REFUSED = {
    "length and chunks": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n" + END,
        400,
    ),
    "chunks and length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n" + END,
        400,
    ),
    "two lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n" + END, 400),
    "list of lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4, 5\r\n" + END, 400),
    "signed length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n" + END, 400),
    "negative length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -4\r\n" + END, 400),
    "length in hexadecimal": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x4\r\n" + END, 400),
    "unknown coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n" + END, 501),
    "coding twice": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + END,
        501,
    ),
    "coding with identity": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n" + END, 501),
    "coding with vertical tab": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \x0bchunked\r\n" + END, 400),
    "space before colon": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n" + END, 400),
    "space before name": (b"POST / HTTP/1.1\r\n Host: x\r\n" + HOST + END, 400),
    "zero in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n" + END, 400),
    "no host": (b"GET / HTTP/1.1\r\n" + END, 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + END, 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "space in the path": (b"GET /a b HTTP/1.1\r\n" + HOST + END, 400),
    "no path": (b"GET * HTTP/1.1\r\n" + HOST + END, 400),
    "tunnel": (b"CONNECT www.example.org:443 HTTP/1.1\r\n" + HOST + END, 405),
    "trace": (b"TRACE / HTTP/1.1\r\n" + HOST + END, 405),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}

# Requests that are understood, and what the backend must see of them, written as it should be.
REWRITTEN = {
    "folded field": (b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: a\r\n  b\r\n" + END, b"\r\nx-long: a b\r\n"),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: www.example.org\nX: 1\nConnection: close\n\n", b"\r\nx: 1\r\n"),
    "equal lengths": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 0\r\n" + END,
        b"\r\ncontent-length: 0\r\n",
    ),
    "capitals": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: CHUNKED\r\n" + END + b"0\r\n\r\n",
        b"\r\ntransfer-encoding: chunked\r\n",
    ),
    "chunk with extension": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n" + END + b"1;a=b\r\nx\r\n0\r\n\r\n",
        b"\r\ntransfer-encoding: chunked\r\n",
    ),
}


async def _ask(request: bytes) -> tuple[int, list[bytes]]:
    """The status, and what reached the backend."""
    seen: list[bytes] = []

    async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)  # to close with something unread would reset the connection
        writer.close()

    listening = await asyncio.start_server(backend, "127.0.0.1", 0)
    setting = WebForward(url=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    server = PageServer(Forward(setting, Backends()), [sock])
    serving = asyncio.create_task(server.serve())
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(-1), PATIENCE_S)
    writer.close()
    server.stop()
    await asyncio.wait_for(serving, PATIENCE_S)
    listening.close()
    return int(answer[9:12] or b"0"), seen


@pytest.mark.parametrize("kind", REFUSED)
def test_request_that_can_be_read_in_two_ways_is_refused(kind: str) -> None:
    request, status = REFUSED[kind]
    assert asyncio.run(_ask(request)) == (status, [])


@pytest.mark.parametrize("kind", REWRITTEN)
def test_backend_sees_one_way_to_write_it(kind: str) -> None:
    request, expected = REWRITTEN[kind]
    status, seen = asyncio.run(_ask(request))
    assert status == 200
    assert expected in seen[0].lower()
    assert seen[0].count(b"\n") == seen[0].count(b"\r\n")
    assert seen[0].lower().count(b"content-length:") + seen[0].lower().count(b"transfer-encoding:") <= 1


def test_what_follows_a_body_is_another_request() -> None:
    first = b"POST /first HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
    status, seen = asyncio.run(_ask(first + b"GET /second HTTP/1.1\r\n" + HOST + END))
    assert status == 200
    assert [head.split(b" ")[1] for head in seen] == [b"/first", b"/second"]
