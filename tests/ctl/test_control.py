"""Server and client over real sockets, with small operations."""

from __future__ import annotations

import asyncio
import socket
import stat
from contextlib import asynccontextmanager

import pytest

from app.ctl import client, protocol
from app.ctl.client import NotRunning
from app.ctl.protocol import Arguments, ControlError
from app.ctl.server import ControlServer
from app.log import SETTINGS


async def echo(call):
    await call.output(call.arguments.text("text").encode())
    return call.arguments.text("text")


async def count(call):
    return sum([len(piece) async for piece in call.input()])


async def careless(call):
    return "input not read"


async def broken(call):
    raise ValueError("broken on purpose")


async def waiting(call):
    await asyncio.Event().wait()


OPERATIONS = {"echo": echo, "count": count, "careless": careless, "broken": broken, "waiting": waiting}


@asynccontextmanager
async def serving(directory):
    server = ControlServer(directory, OPERATIONS)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def converse(directory, talk):
    """Run the blocking `talk(client)` in a thread against a server."""

    async def run():
        async with serving(directory):
            return await asyncio.to_thread(with_client)

    def with_client():
        with client.connect(directory) as connection:
            return talk(connection)

    return asyncio.run(run())


def test_results_and_output_arrive(tmp_path):
    pieces = []
    text = "é" * 100_000
    result = converse(tmp_path, lambda client: client.call("echo", {"text": text}, output=pieces.append))
    assert result == text
    assert b"".join(pieces).decode() == text
    assert max(map(len, pieces)) <= protocol.CHUNK_BYTES


def test_input_is_read_and_what_is_not_read_does_no_harm(tmp_path):
    def talk(client):
        source = [b"x" * 200_000, b"", b"y"]
        return [client.call(name, source=source) for name in ("count", "careless", "count")]

    assert converse(tmp_path, talk) == [200_001, "input not read", 200_001]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [("none", {}, "does not know"), ("echo", {"text": 3}, "must be a text"), ("broken", {}, "its log says why")],
)
def test_errors_are_told_and_the_connection_goes_on(tmp_path, name, arguments, words, monkeypatch):
    monkeypatch.setattr(SETTINGS, "write", lambda line: None)

    def talk(client):
        with pytest.raises(ControlError, match=words):
            client.call(name, arguments)
        return client.call("echo", {"text": "still here"})

    assert converse(tmp_path, talk) == "still here"


@pytest.mark.parametrize(
    "data", [b"{}\n", b"[1]\n", b"\xff\n", b'{"name":"echo","arguments":[]}\n', b"[" * 100_000 + b"\n", b"cut off"]
)
def test_broken_requests_get_an_error_and_the_end(tmp_path, data):
    async def run():
        async with serving(tmp_path) as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            await reader.readline()
            writer.write(data)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

    assert b'"error"' in asyncio.run(run())


def test_overlong_line_is_refused(tmp_path):
    async def run():
        async with serving(tmp_path) as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            await reader.readline()
            writer.write(b"x" * (2 * protocol.MAX_LINE_BYTES + 10))
            answer = await reader.readline()
            writer.close()
            return answer

    assert b"too long" in asyncio.run(run())


def test_socket_is_for_owner_and_group_and_goes_away(tmp_path):
    async def run():
        async with serving(tmp_path) as server:
            return stat.S_IMODE(server.path.stat().st_mode)

    assert asyncio.run(run()) == 0o660
    assert list(tmp_path.iterdir()) == []


def test_socket_of_a_dead_server_is_replaced_and_of_a_living_one_kept(tmp_path):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "ctl"))
    dead.close()

    async def run():
        async with serving(tmp_path):
            with pytest.raises(ControlError, match="running on this data directory"):
                await ControlServer(tmp_path, {}).start()
            reader, writer = await asyncio.open_unix_connection(tmp_path / "ctl")
            assert await reader.readline() == protocol.greeting()
            writer.close()

    asyncio.run(run())


def test_without_a_server_the_client_says_what_to_do(tmp_path):
    with pytest.raises(NotRunning, match="start it with 'serve'"):
        client.connect(tmp_path)


def test_long_directory_names_work(tmp_path):
    directory = tmp_path / ("x" * 120)
    directory.mkdir()
    assert converse(directory, lambda client: client.call("echo", {"text": "long"})) == "long"


def test_closing_the_server_ends_what_waits(tmp_path):
    async def run():
        async with serving(tmp_path) as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            await reader.readline()
            writer.write(protocol.write_line({"name": "waiting"}))
            await asyncio.sleep(0)
        assert await reader.read() == b""
        writer.close()

    asyncio.run(run())


def test_server_of_another_version_is_named():
    with pytest.raises(ControlError, match="another version"):
        protocol.check_greeting(b'{"mox":"ctl","version":99}\n')


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("text", 1),
        ("text", "\udcff"),
        ("number", "1"),
        ("number", True),
        ("optional_flag", "yes"),
        ("numbers", [1, "2"]),
        ("numbers", 1),
        ("number", None),
        ("number", 10**30),
        ("number", float("nan")),
        ("optional_number", float("inf")),
        ("numbers", [1 << 60]),
    ],
)
def test_arguments_of_another_kind_are_refused(method, value):
    with pytest.raises(ControlError):
        getattr(Arguments({"x": value}), method)("x")
