from __future__ import annotations

import asyncio
import socket

import pytest

from app.net.connection import Connection
from app.net.listen import ListenError, Serving, bind


class Greeter(Connection):
    def connected(self) -> None:
        self.write(b"hello\n")

    def received(self, data: bytes) -> None:
        if data:
            self.gate = asyncio.Event()
            self.start_task(self.work())

    async def work(self) -> None:
        self.write(b"working\n")
        await self.gate.wait()
        self.write(b"done\n")

    def stopping(self) -> None:
        self.write(b"stopping\n")
        self.close()


def test_port_in_use_says_what_to_do():
    first = bind("127.0.0.1", 0)
    try:
        with pytest.raises(ListenError, match="another program listens there"):
            bind("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()


def test_accepted_connections_do_not_wait_to_fill_packets():
    async def run() -> int:
        serving, accepted = Serving(), []
        sock = bind("127.0.0.1", 0)
        await serving.add(sock, lambda: accepted.append(Greeter()) or accepted[-1])
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        await reader.readline()
        option = accepted[0].transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await serving.stop(grace_s=0)
        return option

    assert asyncio.run(run())


def test_ipv6_socket_takes_no_ipv4():
    try:
        sock = bind("::1", 0)
    except ListenError:
        pytest.skip("no IPv6 here")
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    sock.close()


def test_stop_lets_a_busy_connection_finish_and_tells_an_idle_one():
    async def run() -> None:
        serving, sock = Serving(), bind("127.0.0.1", 0)
        await serving.add(sock, Greeter)
        port = sock.getsockname()[1]
        idle, _writer = await asyncio.open_connection("127.0.0.1", port)
        busy, busy_writer = await asyncio.open_connection("127.0.0.1", port)
        busy_writer.write(b"work\n")
        assert await busy.readexactly(14) == b"hello\nworking\n"
        [worker] = [one for one in serving.connections if one.is_busy]
        stopping = asyncio.ensure_future(serving.stop())
        assert await idle.read() == b"hello\nstopping\n"
        worker.gate.set()  # type: ignore[attr-defined]
        assert await busy.read() == b"done\nstopping\n"
        await stopping
        assert not serving.connections
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(run())


@pytest.mark.parametrize("cycles", range(6))
def test_who_is_accepted_while_it_stops_hears_of_it(cycles: int) -> None:
    """Or is not accepted, and waits for whoever listens next on the same socket."""

    async def run() -> bytes:
        serving, sock = Serving(), bind("127.0.0.1", 0)
        with sock.dup() as successor, socket.create_connection(sock.getsockname()) as client:
            await serving.add(sock, Greeter)
            for _ in range(cycles):
                await asyncio.sleep(0)
            await serving.stop()
            client.settimeout(30)
            try:
                successor.accept()[0].close()
            except BlockingIOError:
                return client.recv(100)
            return b"it waited"

    assert asyncio.run(run()) in (b"it waited", b"hello\nstopping\n")
