"""What a connection does besides commands: limits, slowness, ends, traces."""

from __future__ import annotations

import asyncio
import contextlib

from app.limits import ConcurrencyLimit
from app.log import SETTINGS, Level, set_levels
from tests.smtpserver.world import HOST, greeted
from tests.support.measuring import moves


def test_too_many_connections_of_a_network_are_turned_away_and_counted_down(world):
    world.resources.rates.concurrent = ConcurrencyLimit((1, 1, 1))

    async def work(places):
        place = places["smtp"]
        reader, writer = await asyncio.open_connection(HOST, place.port)
        assert (await reader.readline()).startswith(b"220")
        second, _ = await asyncio.open_connection(HOST, place.port)
        assert (await second.read()).startswith(b"421 4.7.0")
        writer.write(b"QUIT\r\n")
        await reader.read()
        third, _ = await asyncio.open_connection(HOST, place.port)
        assert (await third.readline()).startswith(b"220")

    world.run_with(work)


def test_failed_implicit_tls_frees_its_place(world):
    world.resources.rates.concurrent = ConcurrencyLimit((1, 1, 1))

    async def work(places):
        place = places["submissions"]
        reader, writer = await asyncio.open_connection(HOST, place.port)
        writer.write(b"EHLO this is no TLS\r\n")
        await reader.read()
        _, again = await asyncio.open_connection(HOST, place.port, ssl=world.client_tls, server_hostname="localhost")
        again.close()

    world.run_with(work)


async def begun_tls(port: int):
    """A connection of another server that has said STARTTLS."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"EHLO x.example\r\n")
    while not (line := await reader.readline()).startswith(b"250 "):
        assert line
    writer.write(b"STARTTLS\r\n")
    assert (await reader.readline()).startswith(b"220")
    return reader, writer


def test_encrypted_connections_of_servers_and_those_that_fail_are_counted(world):
    async def work(places):
        with moves("mox_smtpserver_delivery_starttls_total", by=1):
            reader, writer = await begun_tls(places["smtp"].port)
            await writer.start_tls(world.client_tls, server_hostname="localhost")
            writer.write(b"QUIT\r\n")
            assert (await reader.readline()).startswith(b"221")
            writer.transport.abort()
        with moves("mox_smtpserver_delivery_starttls_errors_total", by=1, reason="notls"):
            reader, writer = await begun_tls(places["smtp"].port)
            writer.write(b"EHLO this is no TLS\r\n")
            await reader.read()
            writer.close()

    world.run_with(work)


def test_client_that_only_makes_mistakes_is_slowed_down(world):
    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        writer.write(b"FOO\r\n" * 30)
        for _ in range(6):
            assert await reader.readline()
        replies = 6
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while await reader.readline():
                    replies += 1
        assert replies < 15
        writer.transport.abort()

    world.run_with(work)


def test_pipeline_of_any_length_leaves_others_their_turn(world):
    commands = 20_000

    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        turns = replies = 0
        writer.write(b"NOOP\r\n" * commands)
        while replies < commands:
            await asyncio.sleep(0)
            turns += 1
            replies += reader._buffer.count(b"\n")
            reader._buffer.clear()
        writer.close()
        assert turns > commands / 200

    world.run_with(work)


def test_commands_are_not_taken_faster_than_they_are_carried_out(world):
    transaction = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\nBDAT 0 LAST\r\n"

    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        server = next(iter(world.connections))
        writer.write(transaction * 50_000)
        held = 0
        for _ in range(300):
            await reader.readline()
            held = max(held, server.machine.buffered + len(server._waiting))
        assert held < (256 << 10) * 3
        writer.transport.abort()

    world.run_with(work)


def test_traces_show_commands_and_hide_passwords_and_content(world, monkeypatch):
    lines = []
    monkeypatch.setattr(SETTINGS, "write", lines.append)
    set_levels(Level.INFO, {"smtpserver": Level.TRACE})
    try:
        world.run("""
            connect main submissions
            S+ 220
            C: EHLO client
            S+ 250
            C: AUTH PLAIN AGphbmVAZXhhbXBsZS5jb20AY29ycmVjdCBob3JzZQ==
            S+ 235
            C: AUTH PLAIN c2VjcmV0LXNlY3JldA==
            S+ 503
            C: MAIL FROM:<jane@example.com>
            C: RCPT TO:<friend@remote.example>
            C: DATA
            S+ 250
            S+ 250
            S+ 354
            C: From: jane@example.com
            C: Subject: confidential
            C:
            C: .
            S+ 250
        """)
    finally:
        set_levels(Level.INFO)
    text = "\n".join(lines)
    assert "MAIL FROM:<jane@example.com>" in text
    assert "354" in text
    for secret in ("Y29ycmVj", "c2VjcmV0", "confidential"):
        assert secret not in text


def test_stopping_server_says_so(world):
    async def together():
        async with world.serving() as places:
            reader, _ = await greeted(places["smtp"].port)
        assert (await reader.read()).startswith(b"421 4.3.2")

    asyncio.run(together())


def test_message_on_its_way_may_come_to_its_end_when_the_server_stops(world):
    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        writer.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n")
        while not (await reader.readline()).startswith(b"354"):
            pass
        writer.write(b"Subject: first half\r\n" + b"x" * 70 + b"\r\n" * 40_000)
        stopping = asyncio.create_task(world.stop())
        for _ in range(20):
            await asyncio.sleep(0)
        writer.write(b"\r\n.\r\n")
        assert (await reader.readline()).startswith(b"250 2.2.0")
        assert (await reader.read()).startswith(b"421 4.3.2")
        await stopping

    world.run_with(work)
    assert len(world.messages("jane")) == 1


def test_the_id_in_a_refusal_is_in_the_log_once_for_each_reason(world, monkeypatch):
    lines = []
    monkeypatch.setattr(SETTINGS, "write", lines.append)

    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        writer.write(b"RCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\nSTARTTLS now\r\n")
        replies = [await reader.readline() for _ in range(3)]
        named = replies[0].rpartition(b"(")[2].partition(b")")[0].decode()
        found = [line for line in lines if "command refused" in line]
        assert ["503 5.5.1" in found[0], "501 5.5.4" in found[1], len(found)] == [True, True, 2]
        assert all(f"id={named}" in line and " cid=" in line for line in found)
        writer.close()

    world.run_with(work)
