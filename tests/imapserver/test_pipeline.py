"""A client that sends commands without reading answers holds up nobody and fills no memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.imapserver.world import HOST, World

COMMANDS = 200_000


def test_endless_pipeline_is_read_no_faster_than_it_is_carried_out(tmp_path: Path):
    world = World(tmp_path)
    held: list[int] = []

    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        await reader.readline()
        writer.write(b'a LOGIN jane@example.com "correct horse"\r\n')
        await reader.readline()
        writer.write(b"b STATUS Inbox (MESSAGES)\r\n" * COMMANDS)
        for _ in range(50):
            await asyncio.sleep(0.002)
            held.extend(c.machine.held_bytes + len(c._waiting) for c in world.connections)
        writer.transport.abort()

    world.serve(talk)
    world.close()
    assert held
    assert max(held) < 1_000_000
