from __future__ import annotations

import asyncio

from app.net import tlsbuffer
from tests.support.certificates import self_signed


def test_connections_share_one_buffer_and_keep_their_bytes_apart():
    contexts = self_signed("mx.example")

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    async def talk(port: int, letter: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=contexts.client, server_hostname="mx.example"
        )
        protocol = writer.transport._ssl_protocol  # type: ignore[attr-defined]
        assert protocol._ssl_buffer is tlsbuffer._BUFFERS.data
        writer.write(letter * 500_000)
        answer = await reader.readexactly(500_000)
        writer.close()
        return answer

    async def run() -> list[bytes]:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=contexts.server)
        port = server.sockets[0].getsockname()[1]
        try:
            return await asyncio.gather(*(talk(port, bytes([65 + number])) for number in range(5)))
        finally:
            server.close()

    assert tlsbuffer.install() is tlsbuffer.Buffers.SHARED
    try:
        answers = asyncio.run(run())
    finally:
        tlsbuffer.uninstall()
    assert [set(answer) for answer in answers] == [{65 + number} for number in range(5)]
