"""Each name server of a zone is asked directly; two of ours stand in for them, a third is the resolver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from app.net.authority import AuthoritativeServers, Outcome, Said
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from tests.support.dns import DnsServer, Zone

PUBLIC: Zone = {
    "example.org": {"NS": ["ns1.example.org", "ns2.example.org"]},
    "ns1.example.org": {"A": ["127.0.0.1"]},
    "ns2.example.org": {"A": ["127.0.0.2"]},
}


@dataclass
class World:
    resolver: DnsServer
    one: DnsServer
    two: DnsServer

    def ask(self, name: str, kind: str = "TXT", ask_s: float = 5.0) -> list[Said]:
        async def run() -> list[Said]:
            resolver = Resolver([Server(self.resolver.host, self.resolver.port)])
            servers = AuthoritativeServers(resolver, self.one.port, ask_s)
            try:
                return await servers.ask(name, kind)
            finally:
                servers.close()
                resolver.close()

        return asyncio.run(run())


class Referring(DnsServer):
    """Hands sub.example.org to ns2."""

    def _fill(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        if not name.is_subdomain(dns.name.from_text("sub.example.org")):
            super()._fill(response, name, kind)
            return
        owner = dns.name.from_text("sub.example.org")
        response.authority.append(
            dns.rrset.from_text(owner, 60, dns.rdataclass.IN, dns.rdatatype.NS, "ns2.example.org.")
        )


@pytest.fixture
def world() -> Iterator[World]:
    one = Referring({})
    with DnsServer(PUBLIC.copy()) as resolver, one, DnsServer({}, "127.0.0.2", one.port) as two:
        yield World(resolver, one, two)


def test_each_server_says_what_it_has(world: World) -> None:
    world.one.zone["a.b.example.org"] = {"TXT": ["one", "two " * 100]}
    world.two.zone["a.b.example.org"] = {"MX": ["10 mx.example.org"]}
    first, second = world.ask("a.b.example.org")
    assert (first.server, first.outcome, set(first.records)) == (
        "ns1.example.org",
        Outcome.RECORDS,
        {"one", "two " * 100},
    )
    assert (second.server, second.outcome, second.records) == ("ns2.example.org", Outcome.NOTHING, ())


def test_nothing_is_not_the_same_as_no_name_and_no_answer(world: World) -> None:
    world.two.zone["x.example.org"] = {"RCODE": "REFUSED"}
    first, second = world.ask("x.example.org")
    assert first.outcome is Outcome.NO_NAME
    assert second.outcome is Outcome.NO_ANSWER
    assert "REFUSED" in second.reason


def test_a_silent_server_costs_no_more_than_its_time(world: World) -> None:
    world.one.zone["x.example.org"] = {"TXT": ["here"]}
    world.two.zone["x.example.org"] = {"RCODE": "DROP"}
    first, second = world.ask("x.example.org", ask_s=0.2)
    assert first.records == ("here",)
    assert (second.outcome, second.reason) == (Outcome.NO_ANSWER, "no reply within 0 seconds")


def test_a_part_that_is_left_to_other_servers_is_asked_there(world: World) -> None:
    world.two.zone["deep.sub.example.org"] = {"TXT": ["found"]}
    assert [(one.server, one.records) for one in world.ask("deep.sub.example.org")] == [("ns2.example.org", ("found",))]


def test_aliases_are_followed_into_another_zone(world: World) -> None:
    world.resolver.zone["example.net"] = {"NS": ["ns2.example.org"]}
    for server in (world.one, world.two):
        server.zone["x.example.org"] = {"CNAME": ["y.example.net"], "UNCHASED": True}
    world.two.zone["y.example.net"] = {"TXT": ["there"]}
    for said in world.ask("x.example.org"):
        assert (said.outcome, said.records, said.alias) == (Outcome.RECORDS, ("there",), "y.example.net")
    assert world.ask("x.example.org", "CNAME")[0].records == ("y.example.net.",)


def test_aliases_in_a_circle_end(world: World) -> None:
    for name, target in (("x", "y"), ("y", "x")):
        for server in (world.one, world.two):
            server.zone[f"{name}.example.org"] = {"CNAME": [f"{target}.example.org"], "UNCHASED": True}
    said = world.ask("x.example.org")[0]
    assert said.outcome is Outcome.NO_ANSWER
    assert len(world.one.questions) < 20


def test_many_servers_are_not_all_asked(world: World) -> None:
    names = [f"n{number}.example.org" for number in range(50)]
    world.resolver.zone["example.org"] = {"NS": names}
    assert len(world.ask("example.org")) == 8


@pytest.mark.parametrize("name", ["unknown.test", "bad..name", "x" * 64 + ".test", ""])
def test_without_name_servers_there_is_no_answer(world: World, name: str) -> None:
    assert world.ask(name) == []


def test_a_long_and_hostile_text_comes_whole_over_tcp(world: World) -> None:
    text = "\x1b[31m" + "x" * 5000
    world.one.zone["x.example.org"] = {"TXT": ["a"], "TRUNCATE": True}
    world.two.zone["x.example.org"] = {"TXT": [text.replace("\x1b", "\\027")]}
    first, second = world.ask("x.example.org")
    assert first.records == ("a",)
    assert len(second.records[0]) > 5000
