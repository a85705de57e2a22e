"""What a hostile peer can do to a port of pages: hold it, starve it, confuse it, lie about where it is."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app import log
from app.net.selfsigned import make_self_signed
from app.web.connections import Admission, Bounds
from app.web.serving import PageServer

QUICK = Bounds(total=3, handshake_s=0.2, head_s=0.2, body_s=0.2, body_rate=1e6, stuck_s=0.2, look_s=0.05)
PATIENT = Bounds(total=3)
LARGE = 20 << 20
PATIENCE_S = 10.0


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells who asks and how; /large is more than buffers hold, /fault raises."""
    request = Request(scope, receive)
    if request.url.path == "/fault":
        raise RuntimeError("a fault")
    body = await request.body()
    text = f"{scope['client'][0]} {scope['scheme']} {len(body)}"
    await PlainTextResponse("x" * LARGE if request.url.path == "/large" else text)(scope, receive, send)


@contextlib.asynccontextmanager
async def _serving(bounds: Bounds, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    server = PageServer(_app, [sock], context, bounds)
    task = asyncio.create_task(server.serve())
    try:
        yield sock.getsockname()[1]
    finally:
        server.stop()
        await asyncio.wait_for(task, PATIENCE_S)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server ends the connection."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := await asyncio.wait_for(reader.read(65536), PATIENCE_S):
            got += piece
    return got


async def _ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await _all_of(reader)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"HTTP/1.1 408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow", b"HTTP/1.1 408"),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow", b"HTTP/1.1 408"),
    ],
)
def test_silent_and_slow_peers_are_ended(sent: bytes, answer: bytes) -> None:
    async def run() -> bytes:
        async with _serving(QUICK) as port:
            return await _ask(port, sent)

    assert asyncio.run(run())[:12] == answer


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"HTTP/1.1 505 "),
        (b"PRI * HTTP/2.0\r\n\r\n", b"HTTP/1.1 505 "),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", b"HTTP/1.1 405 "),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"HTTP/1.1 204 "),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET ftp://x/y HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET http://user@x/y HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 400 "),
        (b"hello\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET http://site.example/y HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 "),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 60_000 + b"\r\n\r\n", b"HTTP/1.1 431 "),
    ],
)
def test_forms_of_requests(request_: bytes, answer: bytes) -> None:
    async def run() -> bytes:
        async with _serving(PATIENT) as port:
            return await _ask(port, request_)

    assert asyncio.run(run())[:13] == answer


@pytest.mark.parametrize("path", ["/", "/large"])
def test_peer_that_has_said_all_gets_its_answer(path: str) -> None:
    async def run() -> bytes:
        async with _serving(PATIENT) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            writer.write_eof()
            answer = await _all_of(reader)
            writer.close()
            return answer

    head, _, body = asyncio.run(run()).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert len(body) == (LARGE if path == "/large" else len("127.0.0.1 http 0"))


def test_header_that_drips_does_not_gain_time() -> None:
    async def run() -> None:
        async with _serving(QUICK) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            end = asyncio.create_task(_all_of(reader))
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            for _ in range(1000):
                writer.write(b"a")
                done, _ = await asyncio.wait([end], timeout=0.02)
                if done:
                    break
            assert end.done()
            writer.close()

    asyncio.run(run())


def test_peer_that_reads_nothing_is_ended() -> None:
    async def run() -> int:
        async with _serving(QUICK) as port:
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.7)
            got = 0
            with contextlib.suppress(ConnectionError):
                while piece := await asyncio.wait_for(loop.sock_recv(sock, 1 << 20), PATIENCE_S):
                    got += len(piece)
            sock.close()
            return got

    assert asyncio.run(run()) < LARGE


def test_request_that_is_worked_on_and_one_after_the_other_have_no_limit() -> None:
    async def run() -> bytes:
        async with _serving(Bounds(look_s=0.05, head_s=0.3)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(5):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                text = await reader.readexactly(length)
                await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.1)
            writer.close()
            return text

    assert asyncio.run(run()) == b"127.0.0.1 http 0"


def test_connections_beyond_the_total_are_refused_and_give_room_when_they_end() -> None:
    async def run() -> None:
        async with _serving(PATIENT) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(PATIENT.total)]
            request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert await _ask(port, request) == b""
            for reader, writer in held:
                writer.write(request)
                assert await _all_of(reader)
                writer.close()
            assert b"200 OK" in await _ask(port, request)

    asyncio.run(run())


def test_tls_handshakes_count_and_end(tmp_path: Path) -> None:
    made = make_self_signed(["127.0.0.1"], 1.8e9)
    (tmp_path / "tls.pem").write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem")
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE

    async def run() -> bytes:
        async with _serving(QUICK, context) as port:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(QUICK.total)]
            reader, refused = await asyncio.open_connection("127.0.0.1", port)
            assert await _all_of(reader) == b""
            refused.close()
            for reader, writer in silent:
                await _all_of(reader)
                writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=careless)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await _all_of(reader)
            writer.close()
            return answer

    assert asyncio.run(run()).endswith(b"127.0.0.1 https 0")


def test_networks_have_their_share_and_what_is_near_only_the_total() -> None:
    admission = Admission(Bounds(total=10, per_network=(2, 4, 8)))
    stranger, near = ipaddress.ip_address("93.184.215.14"), ipaddress.ip_address("127.0.0.1")
    assert [admission.enter(stranger) for _ in range(3)] == [True, True, False]
    admission.leave(stranger)
    assert admission.enter(stranger)
    assert [admission.enter(near) for _ in range(9)] == [True] * 8 + [False]
    admission.leave(near)
    assert admission.enter(near)


def test_forwarded_headers_change_neither_address_nor_scheme() -> None:
    async def run() -> bytes:
        async with _serving(PATIENT) as port:
            lies = b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
            return await _ask(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + lies)

    assert asyncio.run(run()).endswith(b"127.0.0.1 http 0")


@pytest.mark.parametrize(
    "lengths",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: +5",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
    ],
)
def test_request_of_unclear_length_is_refused_and_nothing_after_it_answered(lengths: bytes) -> None:
    async def run() -> bytes:
        async with _serving(PATIENT) as port:
            smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
            return await _ask(port, b"POST / HTTP/1.1\r\nHost: x\r\n" + lengths + b"\r\n\r\n0\r\n\r\n" + smuggled)

    answer = asyncio.run(run())
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))


def test_head_that_is_too_large_is_refused() -> None:
    async def run() -> bytes:
        async with _serving(PATIENT) as port:
            return await _ask(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * (1 << 20))

    assert asyncio.run(run())[:12] in (b"", b"HTTP/1.1 431")


def test_what_strangers_provoke_is_not_in_the_log_and_faults_are(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(log.SETTINGS, "write", lines.append)

    async def run() -> None:
        async with _serving(PATIENT) as port:
            await _ask(port, b"\x16\x03\x01 nonsense\r\n\r\n")
            await _ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n")
            assert lines == []
            await _ask(port, b"GET /fault HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    asyncio.run(run())
    assert len(lines) == 1
    assert "a fault" in lines[0]
