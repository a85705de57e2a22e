"""Addresses, time servers, memory and threads: what the sources say, and what they say when they are wrong."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
import threading
import time

import pytest

from quickstart.probes import interfaces, kernel, sntp
from quickstart.probes.waiting import in_thread

LOOPBACK = ipaddress.ip_address("127.0.0.1")
SINCE_1900 = 2_208_988_800


def attribute(kind: int, ip: str) -> bytes:
    raw = ipaddress.ip_address(ip).packed
    return struct.pack("=HH", 4 + len(raw), kind) + raw


def address_message(family: int, *attributes: bytes, flags: int = 0) -> bytes:
    body = struct.pack("=BBBBI", family, 24, flags, 0, 2) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), 20, 0, 1, 0) + body


def test_addresses_are_read_from_netlink():
    reply = b"".join(
        [
            address_message(2, attribute(1, "5.9.9.9"), attribute(2, "5.9.9.9")),
            address_message(2, attribute(2, "10.0.0.1"), attribute(1, "10.0.0.2")),  # point to point: LOCAL is ours
            address_message(10, attribute(1, "2a01::1")),
            address_message(10, attribute(1, "2a01::2"), flags=0x01),  # temporary
            address_message(2, attribute(2, "5.9.9.8"), flags=0x01),  # secondary, which is lasting
        ]
    )
    assert [str(ip) for ip in interfaces._addresses_in(reply)] == ["5.9.9.9", "10.0.0.1", "2a01::1", "5.9.9.8"]


@pytest.mark.parametrize("reply", [b"", b"\x00" * 40, b"\xff" * 40, address_message(2, b"\x01\x00\x01\x00")])
def test_netlink_that_makes_no_sense_has_no_addresses(reply):
    assert list(interfaces._addresses_in(reply)) == []


def test_addresses_of_this_machine_hold_its_routes():
    assert set(interfaces.outgoing()) <= set(interfaces.addresses()) or not interfaces.addresses()
    assert LOOPBACK not in interfaces.addresses()


def stamp(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack(">II", (whole + SINCE_1900) % 2**32, int((seconds - whole) * 2**32))


def reply_at(seconds: float, nonce: bytes, first: int = 0x24, stratum: int = 2) -> bytes:
    return struct.pack(">BBbb12x8s8s", first, stratum, 6, -20, bytes(8), nonce) + stamp(seconds) * 2


@pytest.mark.parametrize("seconds", [1_790_000_000.25, 2_085_978_496.5, 2_500_000_000.0])  # the second: a new round
def test_time_of_a_server(seconds):
    told = sntp.server_time(reply_at(seconds, b"12345678"), b"12345678", near=seconds - 1e6)
    assert told == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        reply_at(1.8e9, b"another!"),
        reply_at(1.8e9, b"12345678", first=0x23),  # a client's packet
        reply_at(1.8e9, b"12345678", first=0xE4),  # not synchronised itself
        reply_at(1.8e9, b"12345678", stratum=0),  # "kiss of death"
    ],
)
def test_replies_that_do_not_count(data):
    assert sntp.server_time(data, b"12345678", near=1.8e9) is None


class TimeServer(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(reply_at(time.time() + 100, data[40:48]), addr)


def test_offset_from_a_server_that_is_ahead():
    async def run():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(TimeServer, local_addr=("127.0.0.1", 0))
        try:
            return await sntp.offset(LOOPBACK, 5, transport.get_extra_info("sockname")[1])
        finally:
            transport.close()

    assert asyncio.run(run()) == pytest.approx(100, abs=2)


def test_a_silent_or_closed_time_server_gives_no_offset():
    async def run():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        silent = await sntp.offset(LOOPBACK, 0.05, port)
        transport.close()
        return silent, await sntp.offset(LOOPBACK, 5, 1)

    assert asyncio.run(run()) == (None, None)


def test_memory_is_that_of_the_machine_or_of_its_control_group(tmp_path):
    meminfo, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    meminfo.write_text("MemTotal:        2000000 kB\nMemFree: 1 kB\n")
    assert kernel.memory_bytes(meminfo, (limit,)) == 2_000_000 * 1024
    limit.write_text("max\n")
    assert kernel.memory_bytes(meminfo, (limit,)) == 2_000_000 * 1024
    limit.write_text("536870912\n")
    assert kernel.memory_bytes(meminfo, (limit,)) == 536870912
    assert kernel.memory_bytes(tmp_path / "none", ()) is None


def test_containers_leave_marks(tmp_path, monkeypatch):
    monkeypatch.delenv(kernel.CONTAINER_VARIABLE, raising=False)
    assert not kernel.is_container((tmp_path / "none",))
    assert kernel.is_container((tmp_path,))
    monkeypatch.setenv(kernel.CONTAINER_VARIABLE, "lxc")
    assert kernel.is_container((tmp_path / "none",))


def test_the_kernel_tells_of_its_clock_or_not():
    assert kernel.is_clock_synchronised() in (True, False, None)


def test_work_in_a_thread_gives_its_result_or_error():
    assert asyncio.run(in_thread(lambda: 5)) == 5
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(lambda: 1 // 0))


def test_work_that_nobody_waits_for_does_not_hold_up_the_end():
    release, is_over = threading.Event(), threading.Event()

    def work():
        release.wait(30)
        is_over.set()

    async def run():
        async with asyncio.timeout(0.05):
            await in_thread(work)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert not is_over.is_set()
    release.set()
