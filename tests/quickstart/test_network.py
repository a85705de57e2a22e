"""By which addresses the world reaches the machine."""

from __future__ import annotations

import asyncio

from quickstart.network import find_network
from quickstart.options import Network, parse_options
from tests.support.machines import DictionaryResolver, FakeMachine, ips

PUBLISHED = {"mail.example.org": {"A": ["45.138.52.10", "192.168.1.2"], "AAAA": ["2a0e:dc0:52::10"]}}


def found(machine: FakeMachine, **values: object) -> tuple[Network, DictionaryResolver]:
    resolver = DictionaryResolver(dict(PUBLISHED))
    options = parse_options({"address": "you@example.org", **values})
    return asyncio.run(find_network(machine, resolver, options)), resolver


def test_behind_nat_public_addresses_are_those_of_dns() -> None:
    network, _ = found(FakeMachine(addresses=ips("192.168.1.2"), name="nas.lan"))
    assert (network.ips, network.outside) == ((), ips("45.138.52.10", "2a0e:dc0:52::10"))


def test_a_name_without_addresses_leaves_them_open() -> None:
    network, _ = found(FakeMachine(addresses=ips("192.168.1.2")), hostname="other.example.org")
    assert network.outside == ()


def test_who_has_public_addresses_or_gives_them_is_not_looked_up() -> None:
    public = ips("45.138.52.10")
    for network, resolver in (
        found(FakeMachine(addresses=public)),
        found(FakeMachine(addresses=ips("10.0.0.2")), nat_ips="45.138.52.10"),
    ):
        assert network.outside == ()
        assert resolver.asked == []
