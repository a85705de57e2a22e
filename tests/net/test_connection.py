from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest

from app.errors import ConnectionGone
from app.log import SETTINGS
from app.net import connection as module
from app.net import deadlines
from app.net.connection import Connection
from tests.support.certificates import self_signed
from tests.support.measuring import moves, value

T = TypeVar("T")


class Echo(Connection):
    """Answers lines; `task` lines are answered from a task."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.lines = b""
        self.events: list[str] = []
        self.gate = asyncio.Event()

    def connected(self) -> None:
        self.events.append("connected")
        self.write(b"hello\n")

    def received(self, data: bytes) -> None:
        self.lines += data
        while not self.is_busy and b"\n" in self.lines:
            line, self.lines = self.lines.split(b"\n", 1)
            self.command(line)

    def command(self, line: bytes) -> None:
        match line:
            case b"task":
                self.start_task(self.wait_then_write())
            case b"boom":
                raise ValueError("broken on purpose")
            case b"boomtask":
                self.start_task(self.fail())
            case b"quit":
                self.write(b"bye\n")
                self.close()
            case _:
                self.write(line.upper() + b"\n")

    async def wait_then_write(self) -> None:
        await self.gate.wait()
        self.write(b"task done\n")

    async def fail(self) -> None:
        raise ValueError("broken on purpose")

    def crashed(self, error: Exception) -> None:
        self.write(b"sorry\n")

    def timed_out(self) -> None:
        self.write(b"too slow\n")
        self.close()

    def lost(self) -> None:
        self.events.append("lost")


Talk = Callable[[Echo, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
with contextlib.suppress(ImportError):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop
chosen: list[str] = ["asyncio"]


@pytest.fixture(autouse=True, params=list(LOOPS))
def loop(request):
    """Every test runs on each event loop that the server may have."""
    chosen[0] = request.param


def run_on_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=LOOPS[chosen[0]]) as runner:
        return runner.run(work)


def converse(talk: Talk, kind: type[Echo] = Echo, **options) -> Echo:
    """Run `talk` as the client of one connection; the connection, when it is gone."""

    async def run() -> Echo:
        made: list[Echo] = []

        def factory() -> Echo:
            made.append(kind(**options))
            return made[0]

        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
        try:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await until(lambda: bool(made))
            async with asyncio.timeout(10):
                await talk(made[0], reader, writer)
                writer.close()
                await until(lambda: made[0].is_gone)
            return made[0]
        finally:
            server.close()

    return run_on_loop(run())


@pytest.fixture
def logged(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(SETTINGS, "write", lines.append)
    return lines


@pytest.fixture
def quick_ticks(monkeypatch):
    monkeypatch.setattr(deadlines, "TICK_S", 0.01)


def test_writes_of_one_callback_leave_in_one_write():
    async def talk(connection, reader, writer):
        await reader.readline()
        sizes = []
        send = connection.transport.write
        connection.transport = type(
            "Spy", (), {"write": staticmethod(lambda data: (sizes.append(len(data)), send(data)))}
        )()
        connection.data_received(b"a\nb\nc\n")
        assert await reader.readexactly(6) == b"A\nB\nC\n"
        assert sizes == [6]
        connection.transport = send.__self__

    assert converse(talk).events == ["connected", "lost"]


def test_input_waits_while_a_task_runs_and_order_is_kept():
    async def talk(connection, reader, writer):
        writer.write(b"one\ntask\ntwo\n")
        assert await reader.readexactly(10) == b"hello\nONE\n"
        writer.write(b"three\n")
        await until(lambda: connection.has_waiting)
        connection.gate.set()
        assert await reader.readexactly(20) == b"task done\nTWO\nTHREE\n"

    converse(talk)


def test_input_held_back_for_a_task_is_bounded():
    async def talk(connection, reader, writer):
        writer.write(b"task\n" + b"x" * (32 << 20))
        await until(lambda: connection._reading_paused)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(connection._waiting) < 1 << 20
        connection.gate.set()
        writer.transport.abort()

    converse(talk)


def test_half_closed_peer_still_gets_its_answers():
    async def talk(connection, reader, writer):
        writer.write(b"task\ntwo\n")
        writer.write_eof()
        await until(lambda: connection._eof)
        connection.gate.set()
        assert await reader.read() == b"hello\ntask done\nTWO\n"

    converse(talk)


@pytest.mark.parametrize("command", [b"boom\n", b"boomtask\n"])
def test_error_of_ours_is_logged_and_ends_only_the_connection(command, logged):
    async def talk(connection, reader, writer):
        writer.write(command)
        assert await reader.read() == b"hello\nsorry\n"

    with moves("mox_panic_total", by=1, pkg="connection"):
        assert converse(talk).events == ["connected", "lost"]
    assert any("l=error" in line and "broken on purpose" in line for line in logged)


def test_open_connections_are_counted():
    before = value("mox_connections_count")

    async def talk(connection, reader, writer):
        await reader.readline()
        assert value("mox_connections_count") == before + 1

    converse(talk)
    assert value("mox_connections_count") == before


def test_deadline_passes_and_can_be_moved(quick_ticks):
    async def talk(connection, reader, writer):
        connection.set_deadline(0.02)
        connection.set_deadline(1000)
        connection.set_deadline(0.05)
        assert await reader.read() == b"hello\ntoo slow\n"

    converse(talk)


def test_deadline_that_was_cleared_does_not_fire(quick_ticks):
    async def talk(connection, reader, writer):
        other = Echo()
        other.loop = connection.loop
        fired = connection.loop.create_future()
        other.expire = lambda: fired.set_result(None)  # type: ignore[method-assign]
        connection.set_deadline(0.02)
        connection.set_deadline(None)
        other.set_deadline(0.05)
        await fired
        writer.write(b"x\nquit\n")
        assert await reader.read() == b"hello\nX\nbye\n"

    converse(talk)


def test_close_becomes_abort_when_the_peer_does_not_read(quick_ticks, monkeypatch):
    monkeypatch.setattr(module, "CLOSING_S", 0.02)

    async def talk(connection, reader, writer):
        reader._transport.pause_reading()
        connection.write(b"x" * (64 << 20))
        connection.close()

    converse(talk)


def test_drain_waits_for_the_peer_and_gives_up(monkeypatch):
    async def talk(connection, reader, writer):
        connection.write_timeout_s = 0.05
        reader._transport.pause_reading()
        connection.write(b"x" * (64 << 20))
        with pytest.raises(ConnectionGone):
            await connection.drain()

    class Patient(Echo):
        write_timeout_s = 0.05

    converse(talk, Patient)


def test_drain_returns_when_the_peer_has_read():
    async def talk(connection, reader, writer):
        connection.write(b"x" * (32 << 20))
        draining = asyncio.ensure_future(connection.drain())
        await reader.readexactly(6 + (32 << 20))
        await draining
        assert not connection.is_stalled

    converse(talk)


def test_peer_that_does_not_read_is_not_read_from():
    async def talk(connection, reader, writer):
        reader._transport.pause_reading()
        writer.write(b"y" * 1000 + b"\n")
        connection.write(b"x" * (64 << 20))
        connection.flush()
        assert connection.is_stalled
        assert connection._reading_paused
        writer.transport.abort()
        connection.abort()

    converse(talk)


def test_refused_connection_gets_last_words_and_no_lost():
    class Closed(Echo):
        def admit(self) -> bool:
            return False

        def refused(self) -> None:
            self.write(b"421 no\n")

    async def talk(connection, reader, writer):
        assert await reader.read() == b"421 no\n"

    assert converse(talk, Closed).events == []


def test_bad_client_gets_its_answer_byte_by_byte(monkeypatch):
    monkeypatch.setattr(module, "SLOW_S", 0.01)

    async def talk(connection, reader, writer):
        await reader.readline()
        connection.be_slow()
        writer.write(b"abc\nquit\n")
        pieces = []
        while piece := await reader.read(100):
            pieces.append(piece)
        assert b"".join(pieces) == b"ABC\nbye\n"
        assert len(pieces) > 4

    converse(talk)


class Upgrading(Echo):
    context: ssl.SSLContext

    def command(self, line: bytes) -> None:
        if line == b"starttls":
            self.lines = b""
            self.start_task(self.upgrade())
        else:
            super().command(line)

    async def upgrade(self) -> None:
        self.write(b"go\n")
        await self.start_tls(self.context)
        self.events.append(self.tls.version if self.tls else "no tls")


def test_starttls_drops_plaintext_sent_along():
    contexts = self_signed("mx.example")
    Upgrading.context = contexts.server

    async def talk(connection, reader, writer):
        writer.write(b"starttls\ninjected\n")
        assert await reader.readexactly(9) == b"hello\ngo\n"
        await writer.start_tls(contexts.client, server_hostname="mx.example")
        writer.write(b"x\n")
        assert await reader.readline() == b"X\n"
        writer.write(b"quit\n")
        assert await reader.read() == b"bye\n"

    assert converse(talk, Upgrading).events == ["connected", "TLSv1.3", "lost"]


def test_failed_handshake_ends_the_connection_quietly(logged):
    Upgrading.context = self_signed("mx.example").server

    async def talk(connection, reader, writer):
        writer.write(b"starttls\n")
        await reader.readexactly(9)
        writer.write(b"this is no client hello\r\n" * 10)
        await reader.read()

    assert converse(talk, Upgrading).events == ["connected", "lost"]
    assert not any("l=error" in line for line in logged)


def test_peer_that_leaves_in_the_handshake_is_lost_once():
    Upgrading.context = self_signed("mx.example").server

    async def talk(connection, reader, writer):
        writer.write(b"starttls\n")
        await reader.readexactly(9)
        writer.transport.abort()

    assert converse(talk, Upgrading).events == ["connected", "lost"]


class Counting(Echo):
    """Starts with a task, and says no when told so."""

    admits = True

    def admit(self) -> bool:
        return self.admits

    def connected(self) -> None:
        super().connected()
        self.start_task(self.wait_then_write())


def serve_tls(talk: Callable[[int, list[Counting]], Awaitable[None]]) -> list[Counting]:
    """Run `talk(port, connections)` against a listener with implicit TLS; its connections, all gone."""

    async def run() -> list[Counting]:
        made: list[Counting] = []

        def factory() -> Counting:
            made.append(Counting(implicit_tls=self_signed("mx.example").server))
            return made[-1]

        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
        try:
            async with asyncio.timeout(10):
                await talk(server.sockets[0].getsockname()[1], made)
                await until(lambda: all(one.is_gone for one in made))
        finally:
            server.close()
        return made

    return run_on_loop(run())


async def open_tls(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        "127.0.0.1", port, ssl=self_signed("mx.example").client, server_hostname="mx.example"
    )


def test_implicit_tls_greets_after_the_handshake_and_may_start_with_a_task():
    async def talk(port, made):
        reader, writer = await open_tls(port)
        writer.write(b"x\nquit\n")
        assert await reader.readline() == b"hello\n"
        assert made[0].tls.version == "TLSv1.3"
        assert str(made[0].remote) == "127.0.0.1"
        made[0].gate.set()
        assert await reader.read() == b"task done\nX\nbye\n"
        writer.close()

    assert serve_tls(talk)[0].events == ["connected", "lost"]


def test_refused_peer_gets_no_handshake(monkeypatch):
    monkeypatch.setattr(Counting, "admits", False)

    async def talk(port, made):
        with pytest.raises(OSError):  # noqa: PT011  # how it shows differs between the loops
            await open_tls(port)

    assert serve_tls(talk)[0].events == []


@pytest.mark.parametrize("words", [b"no client hello\r\n" * 10, b""])
def test_implicit_handshake_that_fails_is_lost_once(words):
    async def talk(port, made):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(words)
        writer.write_eof()
        await reader.read()
        writer.close()

    assert serve_tls(talk)[0].events == ["lost"]


@pytest.mark.parametrize("how", ["abort", "close"])
def test_connection_can_be_ended_in_the_implicit_handshake(how):
    async def talk(port, made):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: bool(made) and made[0].is_busy)
        getattr(made[0], how)()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    assert serve_tls(talk)[0].events == ["lost"]
