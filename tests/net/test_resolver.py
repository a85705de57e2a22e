"""The resolver against a real DNS server on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import dns.message
import dns.name
import dns.rrset
import pytest

from app.clock import Clock
from app.net import dnsexchange
from app.net.dnsexchange import BadResolver, Server, configured_servers, parse_server
from app.net.resolver import Resolver
from app.trust.lookup import Answer, LookupFailed, Mx
from tests.support.clock import StoppedClock
from tests.support.dns import DnsServer, Zone

T = TypeVar("T")
ZONE: Zone = {
    "example.org": {"MX": ["20 b.example.org", "10 A.example.org"], "TXT": ["one", "x" * 300], "AD": True}
    | {"NS": ["ns1.example.net", "NS2.example.net"]},
    "null.example": {"MX": ["0 ."]},
    "a.example.org": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "www.example.org": {"CNAME": ["a.example.org"]},
    "unchased.example.org": {"CNAME": ["a.example.org"], "UNCHASED": True},
    "loop.example.org": {"CNAME": ["loop.example.org"]},
    "broken.example": {"RCODE": "SERVFAIL"},
    "refused.example": {"RCODE": "REFUSED"},
    "silent.example": {"RCODE": "DROP"},
    "big.example": {"TXT": ["y" * 2000], "TRUNCATE": True},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
    "_25._tcp.a.example.org": {"TLSA": ["3 1 1 " + "aabb" * 16], "AD": True},
}


def run(work: Callable[[Resolver, DnsServer], Awaitable[T]], clock: Clock | None = None) -> T:
    async def scenario(server: DnsServer) -> T:
        resolver = Resolver([Server(server.host, server.port, trusted=True)], clock or Clock())
        try:
            return await work(resolver, server)
        finally:
            resolver.close()

    with DnsServer(dict(ZONE)) as server:
        return asyncio.run(scenario(server))


def ips(*texts: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return {ipaddress.ip_address(text) for text in texts}


def test_mx_with_the_ad_bit():
    answer = run(lambda resolver, _: resolver.mx("Example.ORG."))
    assert set(answer.records) == {Mx(10, "a.example.org"), Mx(20, "b.example.org")}
    assert answer.authentic
    assert answer.exists


def test_what_was_forgotten_is_asked_again():
    async def work(resolver, server):
        first = await resolver.ipv4("new.example.org")
        server.zone["new.example.org"] = {"A": ["192.0.2.7"]}
        cached = await resolver.ipv4("new.example.org")
        resolver.forget()
        return [bool(answer.records) for answer in (first, cached, await resolver.ipv4("new.example.org"))]

    assert run(work) == [False, False, True]


def test_null_mx_has_an_empty_host():
    assert run(lambda resolver, _: resolver.mx("null.example")).records == (Mx(0, ""),)


def test_strings_of_txt_are_joined():
    assert set(run(lambda resolver, _: resolver.txt("example.org")).records) == {b"one", b"x" * 300}


def test_addresses_of_both_families_behind_a_cname():
    answer = run(lambda resolver, _: resolver.addresses("www.example.org"))
    assert set(answer.records) == ips("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert answer.canonical == "a.example.org"
    assert not answer.authentic


def test_cname_that_the_server_does_not_follow():
    answer = run(lambda resolver, _: resolver.ipv4("unchased.example.org"))
    assert set(answer.records) == ips("192.0.2.1", "192.0.2.2")


def test_ptr_and_tlsa():
    assert run(lambda resolver, _: resolver.ptr(ipaddress.ip_address("192.0.2.1"))).records == ("mx.example.org",)
    (record,) = run(lambda resolver, _: resolver.tlsa("_25._tcp.a.example.org")).records
    assert (record.usage, record.selector, record.matching, record.data) == (3, 1, 1, b"\xaa\xbb" * 16)


def test_servers_of_a_zone():
    answer = run(lambda resolver, _: resolver.ns("example.org"))
    assert set(answer.records) == {"ns1.example.net", "ns2.example.net"}
    assert answer.authentic
    assert run(lambda resolver, _: resolver.ns("a.example.org")).records == ()


@pytest.mark.parametrize("name", ["missing.example", "x" * 70 + ".example", "a..b", "x." * 130 + "example"])
def test_a_name_that_does_not_exist(name):
    answer = run(lambda resolver, _: resolver.mx(name))
    assert (answer.records, answer.exists) == ((), False)


def test_no_data_is_not_nxdomain():
    answer = run(lambda resolver, _: resolver.mx("a.example.org"))
    assert (answer.records, answer.exists) == ((), True)


@pytest.mark.parametrize("name", ["broken.example", "refused.example", "silent.example", "loop.example.org"])
def test_cannot_tell_is_temporary(name, monkeypatch):
    monkeypatch.setattr(dnsexchange, "ROUND_TIMEOUTS_S", (0.05, 0.05))
    with pytest.raises(LookupFailed):
        run(lambda resolver, _: resolver.mx(name))


def test_truncated_reply_is_asked_again_over_tcp():
    assert run(lambda resolver, _: resolver.txt("big.example")).records == (b"y" * 2000,)


def test_cache_holds_positive_and_negative_answers_for_their_ttl():
    clock = StoppedClock(0.0)

    async def scenario(resolver: Resolver, server: DnsServer) -> list[int]:
        counts = []
        for step in (0.0, 59.0, 2.0):
            clock.time += step
            await resolver.mx("example.org")
            await resolver.mx("missing.example")
            counts.append(len(server.questions))
        return counts

    assert run(scenario, clock) == [2, 2, 4]


def test_equal_questions_are_asked_once_and_survive_a_cancelled_caller():
    async def scenario(resolver: Resolver, server: DnsServer) -> tuple[list[Answer[Mx]], int]:
        first = asyncio.create_task(resolver.mx("example.org"))
        others = [asyncio.create_task(resolver.mx("EXAMPLE.org")) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*others), len(server.questions)

    answers, count = run(scenario)
    assert all(len(answer.records) == 2 for answer in answers)
    assert count == 1


def test_many_questions_at_once():
    async def scenario(resolver: Resolver, server: DnsServer) -> list[Answer[Mx]]:
        return await asyncio.gather(*(resolver.mx(f"n{i}.example") for i in range(1000)))

    assert not any(answer.exists for answer in run(scenario))


def test_second_server_is_asked_when_the_first_is_down():
    async def scenario(resolver: Resolver, server: DnsServer) -> Answer[Mx]:
        two = Resolver([Server("127.0.0.1", 1), Server(server.host, server.port)])
        try:
            return await two.mx("example.org")
        finally:
            two.close()

    answer = run(scenario)
    assert len(answer.records) == 2
    assert not answer.authentic  # the second is not trusted


def test_one_failing_family_does_not_matter():
    async def scenario(resolver: Resolver, server: DnsServer) -> Answer[object]:
        async def broken(name: str) -> Answer[object]:
            raise LookupFailed(name, "AAAA", "test")

        resolver.ipv6 = broken  # type: ignore[assignment, method-assign]
        with pytest.raises(LookupFailed):
            await resolver.addresses("missing.example")
        return await resolver.addresses("a.example.org")

    assert set(run(scenario).records) == ips("192.0.2.1", "192.0.2.2")


def test_localhost_needs_no_server():
    async def scenario() -> Answer[object]:
        return await Resolver([]).addresses("localhost")

    assert set(asyncio.run(scenario()).records) == ips("127.0.0.1", "::1")


def test_servers_from_resolv_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MOX_RESOLVER", raising=False)
    file = tmp_path / "resolv.conf"
    file.write_text("# c\nnameserver 192.0.2.53\n\nnameserver ::1\n")
    assert configured_servers(file) == [Server("192.0.2.53"), Server("::1", trusted=True)]
    file.write_text("nameserver 192.0.2.53\noptions edns0 trust-ad\n")
    assert configured_servers(file) == [Server("192.0.2.53", trusted=True)]
    assert configured_servers(tmp_path / "none") == [Server("127.0.0.1", trusted=True)]
    monkeypatch.setenv("MOX_RESOLVER", "127.0.0.9:5353, 192.0.2.1")
    assert configured_servers(file) == [Server("127.0.0.9", 5353, trusted=True), Server("192.0.2.1")]


def test_server_forms():
    assert parse_server("[2001:db8::1]:5353") == Server("2001:db8::1", 5353)
    assert parse_server("2001:db8::1") == Server("2001:db8::1", 53)
    with pytest.raises(ValueError, match="notanip"):
        parse_server("notanip:53")


def test_a_resolver_in_the_environment_that_makes_no_sense_is_named(monkeypatch):
    for text in ("dns.example", "127.0.0.1:none", "127.0.0.1:70000"):
        monkeypatch.setenv("MOX_RESOLVER", text)
        with pytest.raises(BadResolver, match="IP:PORT"):
            configured_servers()


def test_lines_of_resolv_conf_that_make_no_sense_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.delenv("MOX_RESOLVER", raising=False)
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver dns.example\nnameserver\nnameserver 192.0.2.1\nnameserver 300.1.1.1\n")
    assert configured_servers(path) == [Server("192.0.2.1")]


class Liar:
    """Answers each question with other replies first: what somebody sends who guesses, and what is no reply at all."""

    def __init__(self, lies: Callable[[dns.message.Message], list[bytes]], tcp: bytes = b"") -> None:
        self.lies, self.tcp = lies, tcp

    async def __aenter__(self) -> Server:
        liar = self

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                for reply in liar.lies(dns.message.from_wire(data)):
                    self.transport.sendto(reply, addr)  # type: ignore[attr-defined]

        async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            query = await reader.read(2000)
            writer.write(len(self.tcp + query[2:4]).to_bytes(2, "big") + query[2:4] + self.tcp)
            writer.close()

        self.server = await asyncio.start_server(stream, "127.0.0.99", 0)
        port = self.server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.99", port))
        return Server("127.0.0.99", port)

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()
        self.server.close()


def answer(query: dns.message.Message, address: str, *, id_shift: int = 0, name: str = "") -> bytes:
    owner = dns.name.from_text(name) if name else query.question[0].name
    reply = dns.message.make_response(dns.message.make_query(owner, query.question[0].rdtype))
    reply.answer.append(dns.rrset.from_text(owner, 60, "IN", query.question[0].rdtype, address))
    reply.id = (query.id + id_shift) & 0xFFFF
    return reply.to_wire()


def ask_liar(liar: Liar) -> Answer[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    async def scenario() -> Answer[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        async with liar as server:
            resolver = Resolver([server])
            try:
                return await resolver.ipv4("victim.example")
            finally:
                resolver.close()

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_replies_to_another_question_or_id_are_not_believed():
    def lies(query: dns.message.Message) -> list[bytes]:
        wrong = answer(query, "6.6.6.6", id_shift=1), answer(query, "6.6.6.6", name="other.example")
        return [*wrong, query.id.to_bytes(2, "big") + b"\xff" * 40, b"", answer(query, "192.0.2.1")]

    assert set(ask_liar(Liar(lies)).records) == ips("192.0.2.1")


@pytest.mark.parametrize("tcp", [b"", b"\xff" * 300, b"\x84\x00" + b"\x00\x01" * 4 + b"\xc0\x0c" * 50])
def test_a_flood_of_guesses_and_rubbish_over_tcp_is_cannot_tell(tcp, monkeypatch):
    monkeypatch.setattr(dnsexchange, "ROUND_TIMEOUTS_S", (0.5,))
    flood = [answer(dns.message.make_query("victim.example", "A", id=n), "6.6.6.6") for n in range(200)]
    with pytest.raises(LookupFailed):
        ask_liar(Liar(lambda query: [one for one in flood if one[:2] != query.id.to_bytes(2, "big")], tcp))
