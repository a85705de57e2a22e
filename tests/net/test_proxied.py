"""Connections through a proxy: whom the server sees, and what a proxy and others can do wrong; on each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from app.log import SETTINGS
from app.net import proxied
from app.net.connection import Connection
from app.net.listen import Serving, bind
from tests.support.certificates import self_signed

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
with contextlib.suppress(ImportError):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop
LISTED = (ipaddress.ip_network("127.0.0.2"), ipaddress.ip_network("127.1.0.0/16"))
HEADER_1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n"
HEADER_2 = bytes.fromhex("0d0a0d0a000d0a515549540a 2111000c cb007109 c0000201 9c40 0019".replace(" ", ""))
LOCAL = bytes.fromhex("0d0a0d0a000d0a515549540a 20000000".replace(" ", ""))


class Teller(Connection):
    """Says who is there, and everything that it hears."""

    def admit(self) -> bool:
        return str(self.remote) != "198.51.100.66"

    def refused(self) -> None:
        self.write(b"go away\n")

    def connected(self) -> None:
        self.write(f"{self.remote} {self.local}\n".encode())

    def received(self, data: bytes) -> None:
        self.write(data.upper())


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    def run_on_loop(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(asyncio.wait_for(work, 20))

    return run_on_loop


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(SETTINGS, "write", lines.append)
    return lines


class Place:
    """A server on a port of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.serving = Serving()
        self.sock = bind("127.0.0.1", 0)
        self.tls = tls

    async def connect(self, source: str = "127.0.0.2") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.sock.getsockname(), local_addr=(source, 0))


@contextlib.asynccontextmanager
async def place(tls: ssl.SSLContext | None = None) -> AsyncIterator[Place]:
    here = Place(tls)
    await here.serving.add(here.sock, lambda: Teller(implicit_tls=tls), LISTED)
    try:
        yield here
    finally:
        await here.serving.stop(grace_s=0)


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.mark.parametrize("header", [HEADER_1, HEADER_2], ids=["v1", "v2"])
def test_the_client_of_a_listed_proxy_is_seen(run: Run, header: bytes) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect("127.1.2.3")
            writer.write(header + b"first\n")  # not a byte of what follows is lost
            assert await reader.readline() == b"203.0.113.9 192.0.2.1\n"
            assert await reader.readline() == b"FIRST\n"
            writer.close()

    run(talk())


def test_a_header_may_come_byte_by_byte(run: Run) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            for number in range(len(HEADER_2)):
                writer.write(HEADER_2[number : number + 1])
                await writer.drain()
                await asyncio.sleep(0)
            assert await reader.readline() == b"203.0.113.9 192.0.2.1\n"
            writer.close()

    run(talk())


def test_a_proxy_that_speaks_for_itself_is_seen_itself(run: Run) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            writer.write(LOCAL)
            assert await reader.readline() == b"127.0.0.2 127.0.0.1\n"
            writer.close()

    run(talk())


def test_limits_count_the_client_and_not_the_proxy(run: Run) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            writer.write(HEADER_1.replace(b"203.0.113.9", b"198.51.100.66"))
            assert await reader.read() == b"go away\n"
            writer.close()

    run(talk())


@pytest.mark.parametrize("source", ["127.0.0.2", "127.0.0.3"], ids=["listed", "other"])
def test_tls_begins_after_the_header_or_at_once(run: Run, source: str) -> None:
    contexts = self_signed("mx.example.com")

    async def talk() -> None:
        async with place(contexts.server) as here:
            reader, writer = await here.connect(source)
            if source == "127.0.0.2":
                writer.write(HEADER_2)
            await writer.start_tls(contexts.client, server_hostname="mx.example.com")
            seen = b"203.0.113.9 192.0.2.1\n" if source == "127.0.0.2" else b"127.0.0.3 127.0.0.1\n"
            assert await reader.readline() == seen
            writer.write(b"secret\n")
            assert await reader.readline() == b"SECRET\n"
            writer.close()

    run(talk())


def test_a_listed_proxy_without_a_header_is_closed_and_the_log_says_why(run: Run, logged: list[str]) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            writer.write(b"EHLO client.example\r\n")
            with contextlib.suppress(ConnectionResetError):  # as it closes with what it has not read
                assert await reader.read() == b""
            writer.close()

    run(talk())
    assert any("ProxyProtocolFrom" in line and "127.0.0.2" in line and "no PROXY header" in line for line in logged)


def test_a_proxy_that_says_nothing_is_closed(run: Run, monkeypatch: pytest.MonkeyPatch, logged: list[str]) -> None:
    monkeypatch.setattr(proxied, "HEADER_S", 0.05)

    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            assert await reader.read() == b""
            writer.close()

    run(talk())
    assert any("no PROXY header came" in line for line in logged)


def test_a_proxy_that_goes_away_before_the_header_leaves_nothing(run: Run, logged: list[str]) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            writer.write(HEADER_1[:10])
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()

    run(talk())
    assert any("closed before a PROXY header" in line for line in logged)


def test_others_are_not_believed(run: Run) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect("127.0.0.3")
            assert await reader.readline() == b"127.0.0.3 127.0.0.1\n"  # greeted before it says anything
            writer.write(HEADER_1)
            assert await reader.readline() == HEADER_1.upper()
            writer.close()

    run(talk())


def test_a_stop_does_not_wait_for_headers(run: Run) -> None:
    async def talk() -> None:
        async with place() as here:
            reader, writer = await here.connect()
            second, other = await here.connect()
            other.write(HEADER_1)
            assert await second.readline()  # both are accepted by then
            await here.serving.stop(grace_s=0)
            assert await reader.read() == b""
            writer.close()
            other.close()

    run(talk())
