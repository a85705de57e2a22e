"""Mail that leaves through a SOCKS5 proxy, which is a real microsocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.store.queuerecords import QueueFilter
from tests.support.queues import Bench, message, running_queue
from tests.support.smtpsink import SmtpSink
from tests.support.socksproxy import free_port, microsocks

TRANSPORT = """
    Transports:
        exit:
            Socks:
                Address: localhost:PORT
                RemoteIPs:
                    - 127.0.0.94
                RemoteHostname: exit.example.net
"""
ROUTES = """
    Routes:
        -
            Transport: exit
"""
ZONE = {
    "a.example": {"MX": ["10 mx.a.example"]},
    "mx.a.example": {"A": ["127.0.0.95"], "AAAA": ["::1"]},
}


@asynccontextmanager
async def queue(directory: Path, port: int, sink_port: int) -> AsyncIterator[Bench]:
    async with running_queue(directory, ZONE, sink_port, TRANSPORT.replace("PORT", str(port)), ROUTES) as bench:
        yield bench


def test_mail_comes_from_the_address_and_the_name_behind_the_proxy(tmp_path):
    async def scenario() -> None:
        async with SmtpSink(host="127.0.0.95") as sink, queue(tmp_path, port, sink.port) as bench:
            await bench.send(message("x@a.example"))
            assert await bench.setup.db.find(QueueFilter()) == []
            assert len(sink.messages) == 1
            assert sink.commands[0] == "EHLO exit.example.net"
            assert sink.peers == {"127.0.0.94"}

    with microsocks("127.0.0.94") as port:
        asyncio.run(asyncio.wait_for(scenario(), 20))


def attempt(directory: Path, port: int) -> str:
    """What comes of an attempt when no server listens behind the proxy."""

    async def scenario() -> str:
        async with queue(directory, port, free_port()) as bench:
            await bench.send(message("x@a.example"))
            (row,) = await bench.setup.db.find(QueueFilter())
            (attempt,) = await bench.setup.db.attempts(row.id)
            return attempt.error

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_mail_waits_when_there_is_no_proxy(tmp_path):
    assert "cannot connect to the proxy localhost port" in attempt(tmp_path, free_port())


def test_mail_waits_when_the_proxy_cannot_reach_the_server(tmp_path):
    with microsocks("127.0.0.94") as port:
        assert "cannot connect to 127.0.0.95 port" in attempt(tmp_path, port)
