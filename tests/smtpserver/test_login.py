"""AUTH with every mechanism, against a client of our own."""

from __future__ import annotations

import asyncio
import base64

import pytest

from app.net.tls import tls_info
from app.wire.sasl import clients
from app.wire.sasl.clients import Login
from app.wire.sasl.servers import Mechanism
from tests.smtpserver.world import HOST, PASSWORD


async def sign_in(world, place, mechanism, password=PASSWORD):
    """The last reply of an exchange over TLS from the first byte."""
    reader, writer = await asyncio.open_connection(HOST, place.port, ssl=world.client_tls, server_hostname="localhost")
    tls = tls_info(writer.get_extra_info("ssl_object"))
    client = clients.begin(mechanism, Login("jane@example.com", password), tls, [m.value for m in Mechanism])
    await reader.readline()
    writer.write(b"EHLO client\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    initial = client.initial()
    words = [b"AUTH", mechanism.value.encode()]
    if initial is not None:
        words.append(base64.b64encode(initial) or b"=")
    writer.write(b" ".join(words) + b"\r\n")
    while (reply := await reader.readline()).startswith(b"334"):
        writer.write(base64.b64encode(client.answer(base64.b64decode(reply[4:]))) + b"\r\n")
    writer.close()
    return reply.decode()


@pytest.mark.parametrize("mechanism", [one for one in Mechanism if one is not Mechanism.EXTERNAL])
def test_mechanism_signs_in_with_the_right_password_only(world, mechanism):
    async def work(places):
        assert (await sign_in(world, places["submissions"], mechanism)).startswith("235 2.7.0")
        refused = await sign_in(world, places["submissions"], mechanism, "wrong one")
        assert refused.startswith("535 5.7.8")

    world.run_with(work)


def test_network_with_too_many_failures_is_turned_away(world):
    world.resources.sign_in.failures.allows = lambda address: False
    world.run("""
        connect main submission
        S+ 421 4.7.0
        closed
        connect two smtp
        S+ 220
    """)
