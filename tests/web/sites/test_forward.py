"""Requests that go on to a backend: through real sockets, with backends that say what they like."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.clock import SYSTEM
from app.config.webhandlers import WebForward
from app.net.httpclient import Backends
from app.net.selfsigned import make_self_signed
from app.web.serving import PageServer
from app.web.sites.forward import Forward, Limits, _target_path, _to_backend

PATIENCE_S = 20.0
QUICK = Limits(answer_s=0.3, silence_s=0.3)
PLENTY = Limits(answer_s=PATIENCE_S, silence_s=PATIENCE_S)
LARGE = 40 << 20

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class _Backend:
    """Says the same to each request whose head it has, and keeps what it got."""

    answer: bytes
    ends: bool = True
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answer)
                await writer.drain()
                if self.ends:
                    break
        writer.close()


@contextlib.asynccontextmanager
async def _proxied(talk: Talk, path: str = "", limits: Limits = PLENTY, **settings: object) -> AsyncIterator[int]:
    """A backend and a proxy in front of it; the port of the proxy."""
    backend = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = backend.sockets[0].getsockname()[1]
    setting = WebForward(url=f"http://127.0.0.1:{port}{path}", **settings)  # type: ignore[arg-type]
    async with _serving(Forward(setting, Backends(), limits)) as front:
        yield front
    backend.close()


@contextlib.asynccontextmanager
async def _serving(app: Forward) -> AsyncIterator[int]:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    server = PageServer(app, [sock])
    task = asyncio.create_task(server.serve())
    try:
        yield sock.getsockname()[1]
    finally:
        app.backends.close()
        server.stop()
        await asyncio.wait_for(task, PATIENCE_S)


async def _ask(port: int, request: bytes) -> bytes:
    """All that the proxy says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    got = await asyncio.wait_for(reader.read(-1), PATIENCE_S)
    writer.close()
    return got


def _get(path: str = "/", *fields: str, method: str = "GET") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: www.example.org", "Connection: close", *fields, "", "")
    return "\r\n".join(lines).encode()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Own: 1\r\n\r\nhello"


def _exchange(backend: _Backend, *requests: bytes, **settings: object) -> list[bytes]:
    async def run() -> list[bytes]:
        async with _proxied(backend, **settings) as port:  # type: ignore[arg-type]
            return [await _ask(port, request) for request in requests]

    return asyncio.run(run())


def test_backend_sees_who_asked_and_not_what_the_client_claims() -> None:
    backend = _Backend(OK)
    claims = ("Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X_Forwarded_For: 1.2.3.4", "X-Forwarded-User: me")
    (answer,) = _exchange(backend, _get("/a%2Fb?q=%20", *claims), path="/base/")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")
    assert b"x-own: 1" in answer
    head = backend.heads[0].lower()
    assert head.startswith(b"get /base/a%2fb?q=%20 http/1.1\r\n")
    assert b"\r\nhost: www.example.org\r\n" in head
    assert b"1.2.3.4" not in head
    assert b"user" not in head
    for line in (b"x-forwarded-for: 127.0.0.1", b"x-forwarded-host: www.example.org", b"x-forwarded-proto: http"):
        assert line in head


def test_fields_for_one_connection_go_no_further() -> None:
    backend = _Backend(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-secret\r\nX-Secret: 1\r\nDate: x\r\n\r\n"
    )
    fields = ("Connection: x-hop, host", "X-Hop: 1", "TE: trailers", "Keep-Alive: 5", "Upgrade: h2c")
    (answer,) = _exchange(backend, _get("/", *fields), response_headers={"X-Added": "yes"})
    head = backend.heads[0].lower()
    assert b"host: www.example.org" in head
    assert not any(word in head for word in (b"x-hop", b"\r\nte:", b"keep-alive", b"upgrade"))
    assert b"secret" not in answer.lower()
    assert b"x-added: yes" in answer
    assert answer.lower().count(b"\r\ndate:") == 1


def test_base_brings_its_path_and_query() -> None:
    backend = _Backend(OK)
    _exchange(backend, _get("/x"), path="/b\xfccher?key=1")
    _exchange(backend, _get("/x?a=b"), path="/b%20c/?key=1")
    targets = [head.split(b" ")[1] for head in backend.heads]
    assert targets == [b"/b%C3%BCcher/x?key=1", b"/b%20c/x?key=1&a=b"]


def test_answer_without_content_has_no_length() -> None:
    (answer,) = _exchange(_Backend(b"HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n"), _get("/"))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in answer.lower()


BROKEN = {
    "nothing": b"",
    "unknown class": b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n",
    "no http": b"SSH-2.0-nothing\r\n\r\n",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
    "unasked upgrade": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "interim for ever": b"HTTP/1.1 103 Hints\r\n\r\n" * 50,
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 1234567890\r\n" * 20_000,
    "head cut": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_backend_that_does_not_keep_to_http_is_bad_gateway(kind: str) -> None:
    (answer,) = _exchange(_Backend(BROKEN[kind]), _get())
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"bad gateway (id " in answer
    assert b"127.0.0.1" not in answer


def test_backend_that_is_not_there_is_bad_gateway() -> None:
    async def run() -> bytes:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            setting = WebForward(url=f"http://127.0.0.1:{free.getsockname()[1]}")
            async with _serving(Forward(setting, Backends())) as port:
                return await _ask(port, _get())

    assert asyncio.run(run()).startswith(b"HTTP/1.1 502 ")


def test_backend_that_does_not_answer_is_gateway_timeout() -> None:
    (answer,) = _exchange(_Backend(b"", ends=False), _get(), limits=QUICK)
    assert answer.startswith(b"HTTP/1.1 504 ")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("start", [OK[:-2], CHUNKED + b"3\r\nhel\r\n"], ids=["length", "chunks"])
def test_answer_that_is_cut_is_seen_as_cut(start: bytes) -> None:
    (answer,) = _exchange(_Backend(start), _get())
    assert answer.endswith((b"hel", b"3\r\nhel\r\n"))
    assert not answer.endswith(b"0\r\n\r\n")


def test_chunks_trailers_and_interim_answers_become_one_answer() -> None:
    chunked = CHUNKED + b"5;x=y\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"
    (answer,) = _exchange(_Backend(b"HTTP/1.1 103 Hints\r\n\r\n" + chunked), _get())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"5\r\nhello\r\n0\r\n\r\n")
    assert b"Trailer" not in answer


def test_head_has_no_body_and_keeps_its_length() -> None:
    (answer,) = _exchange(_Backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), _get(method="HEAD"))
    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_connection_is_kept_for_what_may_be_repeated_only() -> None:
    backend = _Backend(OK, ends=False)
    _exchange(backend, _get(), _get(), _get(method="POST"))
    assert len(backend.heads) == 3
    assert backend.connections == 2


def test_connection_with_something_after_the_answer_is_not_kept() -> None:
    backend = _Backend(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ends=False)
    answers = _exchange(backend, _get(), _get())
    assert all(answer.endswith(b"hello") for answer in answers)
    assert backend.connections == 2


def test_kept_connection_that_ends_when_asked_again_is_replaced() -> None:
    seen: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(0)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")  # the second request is read, and never answered
        writer.close()

    async def run() -> list[bytes]:
        async with _proxied(talk) as port:
            return [await _ask(port, _get()), await _ask(port, _get())]

    assert all(answer.endswith(b"hello") for answer in asyncio.run(run()))
    assert len(seen) == 2


async def _count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with the size of the body and how it was framed."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = 0
    if b"transfer-encoding: chunked" in head:
        while length := int(await reader.readline(), 16):
            size += len(await reader.readexactly(length))
            await reader.readline()
    else:
        expected = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        while size < expected:
            size += len(await reader.read(1 << 16))
    body = f"{size} {'chunked' if b'chunked' in head else 'length'}".encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    writer.close()


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_body_arrives_whole(is_chunked: bool) -> None:
    async def run() -> bytes:
        async with _proxied(_count) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            how = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {LARGE}"
            writer.write(_get("/", how, "Expect: 100-continue", method="POST"))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            piece = b"x" * (1 << 20)
            for _ in range(LARGE >> 20):
                writer.write(b"100000\r\n" + piece + b"\r\n" if is_chunked else piece)
                await writer.drain()
            if is_chunked:
                writer.write(b"0\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(-1), PATIENCE_S)
            writer.close()
            return answer

    answer = asyncio.run(run())
    assert answer.endswith(f"{LARGE} {'chunked' if is_chunked else 'length'}".encode())


def test_backend_may_answer_before_it_has_the_body() -> None:
    early = _Backend(b"HTTP/1.1 413 Too large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n", ends=False)
    (answer,) = _exchange(early, _get("/", "Content-Length: 1000000", method="POST") + b"begin")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"no\n")


def test_what_the_client_does_not_read_is_not_read_from_the_backend() -> None:
    """And when the client goes, so does the connection to the backend."""

    async def run() -> int:
        sent = 0
        ended = asyncio.Event()
        is_stuck = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while sent < 1_000_000_000:
                    writer.write(b"x" * 65536)
                    sent += 65536
                    try:
                        await asyncio.wait_for(asyncio.shield(writer.drain()), 1.0)
                    except TimeoutError:
                        is_stuck.set()
                        await writer.drain()
            ended.set()
            writer.close()

        async with _proxied(talk) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(_get())
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.wait_for(is_stuck.wait(), PATIENCE_S)
            writer.transport.abort()
            await asyncio.wait_for(ended.wait(), PATIENCE_S)
        return sent

    assert asyncio.run(run()) < 64 << 20


def test_client_that_goes_before_the_answer_ends_the_request() -> None:
    async def run() -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            with contextlib.suppress(ConnectionError):
                await reader.read()
            ended.set()
            writer.close()

        async with _proxied(talk) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_get())
            await asyncio.wait_for(asked.wait(), PATIENCE_S)
            writer.close()
            await asyncio.wait_for(ended.wait(), PATIENCE_S)

    asyncio.run(run())


@pytest.mark.parametrize("is_trusted", [False, True])
def test_https_backend_is_believed_by_its_certificate_only(tmp_path: Path, is_trusted: bool) -> None:
    made = make_self_signed(["localhost"], SYSTEM.now())
    (tmp_path / "both").write_bytes(made.key + made.certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "both")
    trusted = ssl.create_default_context(cadata=made.certificate.decode())

    async def run() -> bytes:
        backend = await asyncio.start_server(_Backend(OK), "127.0.0.1", 0, ssl=server)
        setting = WebForward(url=f"https://localhost:{backend.sockets[0].getsockname()[1]}")
        async with _serving(Forward(setting, Backends(trusted if is_trusted else None))) as port:
            answer = await _ask(port, _get())
        backend.close()
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 " if is_trusted else b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (_get("*", method="OPTIONS"), b"204"),
        (_get(method="TRACE"), b"405"),
        (_get("/", "Upgrade: websocket"), b"400"),
    ],
)
def test_what_cannot_be_passed_on_is_refused(request_: bytes, status: bytes) -> None:
    backend = _Backend(OK)
    (answer,) = _exchange(backend, request_)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert not backend.heads


@pytest.mark.parametrize(
    ("path", "raw", "stripped", "target"),
    [
        ("/", b"/", None, b"/"),
        ("/a/b/", b"/a%2Fb/", None, b"/a%2Fb/"),
        ("/a/../b", b"/a/%2e%2e/b", None, b"/b"),
        ("/../../b/..", b"/../../b/..", None, b"/"),
        ("//b//c/", b"//b//c/", None, b"/b/c/"),
        ("/app/x y?", b"/app/x%20y%3F", "x y?", b"/x%20y%3F"),
        ("/app", b"/app", "", b"/"),
        ("/fs/a/b\ufffd", b"/fs/a%2fb%ff", "/a/b\ufffd", b"/a%2fb%ff"),
        ("/f\xe9/a+b", b"/f%C3%A9/a+b", "/a+b", b"/a+b"),
        ("/a/b/c", b"/a/b%20/c", "/a/c", b"/a/c"),  # from the middle
    ],
)
def test_backend_sees_the_path_that_was_matched(path: str, raw: bytes, stripped: str | None, target: bytes) -> None:
    assert _target_path({"path": path, "raw_path": raw}, stripped) == target


def test_body_keeps_its_length_whatever_connection_lists() -> None:
    headers = [(b"connection", b"content-length, x-forwarded-for"), (b"content-length", b"3")]
    sent = _to_backend({"headers": headers, "client": ("192.0.2.1", 1), "scheme": "https"})
    assert (b"content-length", b"3") in sent
    assert (b"x-forwarded-for", b"192.0.2.1") in sent
