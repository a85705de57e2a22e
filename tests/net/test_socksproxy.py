"""Connections through a SOCKS5 proxy of the test's own, good and bad at every step."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

import pytest

from app.net.dial import DialFailed
from app.net.socksproxy import Proxy, connect_through, parse_proxy

SERVER = ipaddress.ip_address("192.0.2.1")
SIX = ipaddress.ip_address("2001:db8::1")
CHOSEN = b"\x05\x00"
CONNECTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
CLOSE = b""


class Greeted(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.heard.done():
            self.heard.set_result(data)


class ScriptedProxy:
    """Answers what a test says, once to each thing it hears, and then no more."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.asked = b""
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            for answer in self.answers:
                if answer == CLOSE:
                    break
                self.asked += await reader.read(1000)
                writer.write(answer)
            else:
                while await reader.read(1000):
                    pass
        self.gone.set()
        writer.close()


async def dial(proxy: ScriptedProxy, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, dial_s: float) -> bytes:
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        where = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            protocol = await connect_through(where, Greeted, ip, 25, dial_s)
            return await protocol.heard
        finally:
            if proxy.answers[-1:] == (CHOSEN,):
                await proxy.gone.wait()  # the connection that nobody wants any more is closed


def answered(
    *answers: bytes, ip: ipaddress.IPv4Address | ipaddress.IPv6Address = SERVER, dial_s: float = 10.0
) -> bytes:
    async def scenario() -> bytes:
        proxy = ScriptedProxy(*answers)
        assert await dial(proxy, ip, dial_s) == b"220 hello\r\n"
        return proxy.asked

    return asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.mark.parametrize("ip", [SERVER, SIX])
def test_the_proxy_is_asked_for_an_address_and_the_server_is_heard(ip):
    asked = answered(CHOSEN, CONNECTED + b"220 hello\r\n", ip=ip)
    assert asked.endswith(b"\x05\x01\x00" + (b"\x01" if ip.version == 4 else b"\x04") + ip.packed + b"\x00\x19")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([b"\x05\xff"], "does not speak SOCKS5 with us"),
        ([b"\x05\x02", CLOSE], "does not speak SOCKS5 with us"),
        ([CLOSE], "does not speak SOCKS5 with us"),
        ([b"HTTP/1.0 400 no\r\n\r\n"], "does not speak SOCKS5 with us"),
        ([CHOSEN, b"\x05\x02\x00\x01" + bytes(6)], "cannot connect to 192.0.2.1 port 25: its rules do not allow it"),
        ([CHOSEN, b"\x05\x05\x00\x01" + bytes(6)], "the connection was refused"),
        ([CHOSEN, b"\x05\xee\x00\x01" + bytes(6)], "it does not say why"),
        ([CHOSEN, CONNECTED[:-3], CLOSE], "does not speak SOCKS5 with us"),
        ([CHOSEN, CLOSE], "does not speak SOCKS5 with us"),
        ([CHOSEN, b"\x05\x00\x00\x09" + bytes(6)], "does not speak SOCKS5 with us"),
    ],
    ids=range(10),
)
def test_a_proxy_that_refuses_or_breaks_the_protocol_is_told_from_a_server_that_does(answers, words):
    with pytest.raises(DialFailed, match=words):
        answered(*answers, dial_s=2.0)


def test_a_proxy_that_is_not_there_is_named():
    with pytest.raises(DialFailed, match=r"cannot connect to the proxy 127\.0\.0\.1 port 1: Connection refused"):
        asyncio.run(connect_through(Proxy("127.0.0.1", 1), asyncio.Protocol, SERVER, 25))


def test_a_silent_proxy_has_its_time_and_no_more():
    with pytest.raises(DialFailed, match=r"made no connection|timed out"):
        answered(CHOSEN, dial_s=0.2)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [("localhost:1080", Proxy("localhost", 1080)), ("[::1]:9050", Proxy("::1", 9050))],
)
def test_addresses_of_proxies(text, proxy):
    assert parse_proxy(text) == proxy
