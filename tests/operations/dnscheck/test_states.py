"""What the name servers of a zone have of the records that are wanted; two DNS servers stand in for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset
import pytest

from app.net.authority import AuthoritativeServers
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.operations.dnscheck.resolved import THIS_RESOLVER
from app.operations.dnscheck.states import RecordState, State, states
from app.operations.dnsrecords import Record
from tests.support.dns import DnsServer

SPF = Record(name="example.org", type="TXT", content="v=spf1 ip4:203.0.113.7 mx ~all")
MX = Record(name="example.org", type="MX", content="10 mx.example.org.")
HOST = Record(name="mx.example.org", type="A", content="203.0.113.7")
ALIAS = Record(name="autoconfig.example.org", type="CNAME", content="mx.example.org.")
SRV = Record(name="_imaps._tcp.example.org", type="SRV", content="0 1 993 mx.example.org.")
REVERSE = Record(name="7.113.0.203.in-addr.arpa", type="PTR", content="mx.example.org.", is_reverse=True)


class World:
    def __init__(self, resolver: DnsServer, one: DnsServer, two: DnsServer) -> None:
        self.resolver, self.one, self.two = resolver, one, two

    def put(self, name: str, **facts: list[str] | str | bool) -> None:
        """The same on both name servers."""
        for server in (self.one, self.two):
            server.zone[name] = dict(facts)

    def look(self, *wanted: Record, more: Sequence[Record] = ()) -> list[RecordState]:
        async def run() -> list[RecordState]:
            resolver = Resolver([Server(self.resolver.host, self.resolver.port)])
            authority = AuthoritativeServers(resolver, self.one.port, 0.4)
            try:
                return await states([*wanted, *more], authority, resolver)
            finally:
                authority.close()
                resolver.close()

        return asyncio.run(run())[: len(wanted)]


@pytest.fixture
def world() -> Iterator[World]:
    public = {
        "example.org": {"NS": ["ns1.example.org", "ns2.example.org"]},
        "ns1.example.org": {"A": ["127.0.0.1"]},
        "ns2.example.org": {"A": ["127.0.0.2"]},
    }
    with DnsServer(public) as resolver, DnsServer({}) as one, DnsServer({}, "127.0.0.2", one.port) as two:
        yield World(resolver, one, two)


def test_seen_is_what_every_name_server_has(world: World) -> None:
    world.put("example.org", TXT=[SPF.content, "other"], MX=["10 mx.example.org"])
    spf, mx = world.look(SPF, MX)
    assert (spf.state, mx.state) == (State.SEEN, State.SEEN)
    assert spf.having == ("ns1.example.org", "ns2.example.org")
    assert spf.sentence == "All 2 name servers have it."


@pytest.mark.parametrize("other", [{}, {"TXT": ["v=spf1 -all"]}])
def test_partly_is_what_only_some_have(world: World, other: dict[str, list[str]]) -> None:
    world.put("example.org", TXT=[SPF.content])
    world.two.zone["example.org"] = other
    (spf,) = world.look(SPF)
    assert (spf.state, spf.having, spf.lacking) == (State.PARTLY, ("ns1.example.org",), ("ns2.example.org",))
    assert "some minutes" in spf.sentence


def test_a_silent_server_leaves_a_record_partly_seen(world: World) -> None:
    world.put("example.org", TXT=[SPF.content])
    world.two.zone["example.org"] = {"RCODE": "DROP"}
    (spf,) = world.look(SPF)
    assert (spf.state, spf.silent) == (State.PARTLY, ("ns2.example.org",))


def test_missing_wrong_and_foreign_are_told_apart(world: World) -> None:
    world.put("example.org", TXT=["v=spf1 mx ~all"], MX=["1 aspmx.l.google.com"])
    spf, mx, srv, host = world.look(SPF, MX, SRV, HOST)
    assert [one.state for one in (spf, mx, srv, host)] == [State.WRONG, State.FOREIGN, State.MISSING, State.MISSING]
    assert spf.found == ("v=spf1 mx ~all",)
    assert "Google" in mx.sentence


def test_nobody_to_ask_is_unknown_and_not_missing(world: World) -> None:
    world.resolver.zone["example.org"] = {"RCODE": "SERVFAIL"}
    spf, srv = world.look(SPF, SRV)
    assert (spf.state, srv.state) == (State.UNKNOWN, State.UNKNOWN)
    assert "Cannot tell" in spf.sentence


def test_when_no_name_server_answers_the_resolver_is_believed_and_named(world: World) -> None:
    world.put("example.org", RCODE="REFUSED")
    world.put(SRV.name, RCODE="REFUSED")
    world.resolver.zone["example.org"] |= {"TXT": [SPF.content], "MX": ["10 other.example"]}
    spf, mx, srv = world.look(SPF, MX, SRV)
    assert (spf.state, spf.having) == (State.SEEN, (THIS_RESOLVER,))
    assert "resolver of this machine says so" in spf.sentence
    assert mx.state is State.FOREIGN
    assert srv.state is State.UNKNOWN
    assert "REFUSED" in srv.sentence


def test_addresses_of_the_host_do_for_an_alias(world: World) -> None:
    world.put(ALIAS.name, A=["203.0.113.7"])
    assert world.look(ALIAS, more=[HOST])[0].state is State.SEEN
    world.put(ALIAS.name, A=["192.0.2.1"])
    (alias,) = world.look(ALIAS, more=[HOST])
    assert (alias.state, alias.found) == (State.FOREIGN, ("A 192.0.2.1",))
    world.put(ALIAS.name, CNAME=["mx.example.org"])
    assert world.look(ALIAS)[0].state is State.SEEN


def test_an_alias_in_the_place_of_a_record_is_shown(world: World) -> None:
    world.put("_imaps._tcp.example.org", CNAME=["parked.example.net"], UNCHASED=True)
    (srv,) = world.look(SRV)
    assert srv.state in (State.FOREIGN, State.UNKNOWN)
    world.resolver.zone["example.net"] = {"NS": ["ns1.example.org"]}
    world.put("parked.example.net", A=["192.0.2.1"])
    (srv,) = world.look(SRV)
    assert (srv.state, srv.found) == (State.FOREIGN, ("CNAME parked.example.net",))


def test_a_circle_of_aliases_is_unknown(world: World) -> None:
    world.put("_imaps._tcp.example.org", CNAME=["x.example.org"], UNCHASED=True)
    world.put("x.example.org", CNAME=["_imaps._tcp.example.org"], UNCHASED=True)
    (srv,) = world.look(SRV)
    assert srv.state is State.UNKNOWN
    assert "aliases" in srv.sentence


def test_reverse_names_are_set_with_the_provider(world: World) -> None:
    world.resolver.zone["113.0.203.in-addr.arpa"] = {"NS": ["ns1.example.org"]}
    assert "rent the address" in world.look(REVERSE)[0].sentence
    world.put(REVERSE.name, PTR=["static.provider.example"])
    (reverse,) = world.look(REVERSE)
    assert (reverse.state, reverse.found) == (State.WRONG, ("static.provider.example.",))


class Hostile(DnsServer):
    """Answers every question for texts with control characters and a megabyte of nothing in between."""

    def _fill(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        strings = [b"v=spf1 \x1b[31m\xff\r\n", *[b"<script>" * 30] * 200]
        record = dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)
        response.answer.append(dns.rrset.from_rdata(name, 60, record))


def test_hostile_records_are_shown_as_text(world: World) -> None:
    with Hostile({}) as world.one:  # the other one is not at this port, and stays silent
        (spf,) = world.look(SPF)
    assert (spf.state, spf.lacking, spf.silent) == (State.FOREIGN, ("ns1.example.org",), ("ns2.example.org",))
    shown = " ".join([*spf.found, spf.sentence, spf.proposal])
    assert shown.isprintable()
    assert "\\x1b[31m" in shown
    assert len(shown) < 5_000
