"""Every announced SASL mechanism signs in over the wire, with the client machines that we use ourselves."""

from __future__ import annotations

import asyncio
import base64

import pytest

from app.errors import WireError
from app.net.tls import TlsInfo, tls_info
from app.wire.sasl.clients import Login, begin
from app.wire.sasl.servers import find_mechanism
from tests.imapserver.world import HOST, PASSWORD, World

MECHANISMS = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
)


async def attempt(world: World, port: int, mechanism: str, password: str, *, inline: bool) -> str:
    """The tagged answer to an AUTHENTICATE over TLS; the initial response comes along or after the challenge."""
    reader, writer = await asyncio.open_connection(HOST, port)
    await reader.readuntil(b"\r\n")
    writer.write(b"t STARTTLS\r\n")
    await reader.readuntil(b"\r\n")
    await writer.start_tls(world.tls.client, server_hostname="localhost")
    tls: TlsInfo = tls_info(writer.get_extra_info("ssl_object"))
    writer.write(b"c CAPABILITY\r\n")
    words = (await reader.readuntil(b"\r\n")).decode().split()
    await reader.readuntil(b"\r\n")
    offered = [word.removeprefix("AUTH=") for word in words if word.startswith("AUTH=")]
    if mechanism not in offered:
        pytest.skip(f"{mechanism} is not offered here")
    found = find_mechanism(mechanism)
    exchange = begin(found, Login("jane@example.com", password), tls, offered)
    pending = exchange.initial()
    line = f"a AUTHENTICATE {mechanism}".encode()
    if inline and pending is not None:
        line += b" " + base64.b64encode(pending)
        pending = None
    writer.write(line + b"\r\n")
    while (answer := await reader.readuntil(b"\r\n")).startswith(b"+ "):
        response = pending if pending is not None else exchange.answer(base64.b64decode(answer[2:]))
        pending = None
        writer.write(base64.b64encode(response) + b"\r\n")
    if answer.startswith(b"a OK"):
        exchange.finish()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mechanism_over_the_wire(world: World, mechanism: str):
    async def talk(port: int) -> None:
        for inline in (True, False):
            assert (await attempt(world, port, mechanism, PASSWORD, inline=inline)).startswith("a OK [CAPABILITY ")
            try:
                answer = await attempt(world, port, mechanism, "wrong horse", inline=inline)
            except WireError:  # the server's own last message already says so
                continue
            assert answer.startswith("a NO [AUTHENTICATIONFAILED]")

    world.serve(talk)
