"""The real machine, on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path

import pytest

from quickstart import machine as machine_module
from quickstart.machine import Binding, Dialled, RealMachine, in_hosts
from quickstart.probes.registration import RegistrationClient

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def dialled(sends: bytes, timeout_s: float = 5, *, stays: bool = False) -> Dialled:
    """What dialling a server gives that sends this."""

    async def run() -> Dialled:
        done = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(sends)
            if stays:
                await done.wait()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        try:
            return await RealMachine().dial(LOOPBACK, server.sockets[0].getsockname()[1], timeout_s)
        finally:
            done.set()
            server.close()

    return asyncio.run(run())


def test_dial_reads_the_first_line():
    assert dialled(b"220 mx.example ESMTP \xff\r\n250 more", stays=True) == Dialled(banner="220 mx.example ESMTP �")


@pytest.mark.parametrize(
    ("sends", "stays", "words"),
    [
        (b"", False, "closed without a greeting"),
        (b"220 half", False, "closed without a greeting"),
        (b"x" * 5000, True, "does not speak SMTP"),
        (b"", True, "no answer within 0 seconds"),
    ],
)
def test_dial_without_a_greeting_says_why(sends, stays, words):
    found = dialled(sends, 0.2 if stays else 5, stays=stays)
    assert found.banner == ""
    assert words in found.reason


def test_dial_to_a_closed_port_says_why():
    assert asyncio.run(RealMachine().dial(LOOPBACK, 1, 5)) == Dialled(reason="Connection refused")


def test_ports_are_free_or_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert RealMachine().can_bind(LOOPBACK, port) is Binding.TAKEN
        assert asyncio.run(RealMachine().listeners(port))[0].address == LOOPBACK
    assert RealMachine().can_bind(LOOPBACK, port) is Binding.FREE
    assert RealMachine().can_bind(ipaddress.ip_address("192.0.2.99"), port) is Binding.NO_ADDRESS


def test_an_ipv6_port_does_not_take_the_ipv4_one():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert RealMachine().can_bind(ipaddress.ip_address("::1"), server.getsockname()[1]) is not Binding.TAKEN


def test_hosts_file():
    lines = ["127.0.0.1 localhost", "127.0.1.1\tMail.example.org mail # mx.example.org", "bad mail.example.org"]
    text = "\n".join([*lines, "::1 mail.example.org"])
    assert [str(ip) for ip in in_hosts(text, "mail.example.ORG")] == ["127.0.1.1", "::1"]
    assert in_hosts(text, "mx.example.org") == ()
    assert RealMachine().addresses_in_hosts("no.such.name.example") == ()


def test_room_is_that_of_the_nearest_folder_that_exists(tmp_path):
    machine = RealMachine()
    assert machine.free_bytes(tmp_path / "not" / "yet") is not None
    assert (machine.memory_bytes() or 1) > 0
    assert machine.hostname() == socket.gethostname()


def test_registration_gives_up_in_time(monkeypatch):
    async def never(work: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(machine_module, "in_thread", never)
    found = asyncio.run(RealMachine().registration("example.org", 0.05))
    assert "in time" in found.reason


def test_registration_without_network_is_a_reason():
    machine = RealMachine(RegistrationClient("https://localhost:1/dns.json", True))
    assert "could not be asked" in asyncio.run(machine.registration("example.org", 5)).reason


def test_relative_folders_have_room_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RealMachine().free_bytes(Path("later")) is not None


def test_directory_that_others_may_not_enter_is_found(tmp_path):
    machine = RealMachine()
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert machine.closed_to_others(inner) is not None
    assert machine.closed_to_others(Path("/")) is None
    assert machine.interpreter().joinpath("os.py").exists()
