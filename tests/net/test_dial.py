"""The order of addresses."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from app.net.dial import DialFailed, connect, order_addresses

SIX, FOUR, OTHER = (ipaddress.ip_address(text) for text in ("2001:db8::1", "192.0.2.1", "192.0.2.2"))


@pytest.mark.parametrize(
    ("attempts", "last", "expected"),
    [
        (0, None, [SIX, FOUR, OTHER]),
        (1, FOUR, [FOUR, SIX, OTHER]),
        (1, ipaddress.ip_address("192.0.2.9"), [SIX, FOUR, OTHER]),
        (2, FOUR, [SIX, FOUR, OTHER]),
        (2, SIX, [FOUR, SIX, OTHER]),
    ],
)
def test_order(attempts, last, expected):
    assert order_addresses([FOUR, SIX, OTHER], attempts, last, shuffle=lambda _: None) == expected


def test_refused_connection_is_told_in_few_words():
    with pytest.raises(DialFailed, match=r"cannot connect to 127\.0\.0\.1 port 1: Connection refused"):
        asyncio.run(connect(asyncio.Protocol, ipaddress.ip_address("127.0.0.1"), 1))


def test_local_address_is_used():
    async def scenario():
        seen = []
        server = await asyncio.start_server(
            lambda reader, writer: (seen.append(writer.get_extra_info("peername")[0]), writer.close()), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        lost = asyncio.get_running_loop().create_future()

        class Waits(asyncio.Protocol):
            def connection_lost(self, exc):
                lost.set_result(None)

        await connect(Waits, ipaddress.ip_address("127.0.0.1"), port, [SIX, ipaddress.ip_address("127.0.0.7")])
        await lost
        server.close()
        return seen

    assert asyncio.run(scenario()) == ["127.0.0.7"]
