"""The addresses by which the world reaches this machine: are there any, or is there NAT or a container between?"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from app.trust.lookup import LookupFailed
from app.wire.smtp.address import IPAddress
from quickstart.checks.finding import Context, Finding, State, listed, ok
from quickstart.machine import Machine

MAX_ADDRESSES = 8
CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598: shared by many customers of a provider


def public_addresses(machine: Machine) -> tuple[IPAddress, ...]:
    """The public addresses of this machine's interfaces; IPv4 first."""
    found = [ip for ip in machine.interfaces() if ip.is_global and not ip.is_multicast]
    return tuple(sorted(found, key=lambda ip: (ip.version, int(ip)))[:MAX_ADDRESSES])


def listening_addresses(machine: Machine) -> tuple[IPAddress, ...]:
    """The addresses to listen on: those of the routes, or all of them (none named) where one of these is private, as
    then there is NAT and the outer address is nowhere on this machine."""
    routes = tuple(machine.routes())
    return routes if all(ip.is_global for ip in routes) else ()


def own_addresses(context: Context) -> tuple[IPAddress, ...]:
    """The public addresses to be used, as chosen or as the machine has them."""
    chosen = tuple(ip for ip in context.question.ips if ip.is_global)
    return chosen or public_addresses(context.machine)


async def outside_addresses(context: Context) -> tuple[IPAddress, ...]:
    """The addresses by which others see us: behind NAT those that were given, or that DNS has for the host name. Raises
    LookupFailed."""
    if context.question.nat_ips:
        return tuple(context.question.nat_ips)
    if own := own_addresses(context):
        return own
    answer = await context.resolver.addresses(context.question.hostname.ascii)
    return tuple(ip for ip in answer.records if ip.is_global)[:MAX_ADDRESSES]


async def check(context: Context) -> Finding:
    """Public addresses, and what stands between them and us."""
    own = own_addresses(context)
    if any(ip.version == 4 for ip in own):
        return _public(own)
    private = [ip for ip in (context.question.ips or context.machine.interfaces()) if not ip.is_loopback]
    facts = {"Addresses": [str(ip) for ip in private]}
    if own and not any(ip.version == 4 for ip in private):
        return _only_ipv6(facts)
    if any(ip in CARRIER_NAT for ip in private if ip.version == 4) and not own:
        return _carrier_nat(facts)
    if not private:
        return _none()
    if context.machine.is_container():
        return _container(facts)
    return _nat(facts, await _names(context))


async def _names(context: Context) -> Sequence[IPAddress]:
    """Public addresses that were given, or that DNS has for us already."""
    try:
        return await outside_addresses(context)
    except LookupFailed:
        return ()


def _public(own: Sequence[IPAddress]) -> Finding:
    facts = {"Addresses": [str(ip) for ip in own]}
    if any(ip.version == 6 for ip in own):
        return ok("Public IPv4 and IPv6 addresses, directly on this machine.", facts)
    return ok("A public IPv4 address, directly on this machine. No IPv6, which is fine.", facts)


def _only_ipv6(facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.WARN,
        summary="Only IPv6: this machine has no IPv4 address.",
        meaning="Servers that have only IPv4 cannot reach this machine, and it cannot reach them.",
        breaks="A good part of mail is lost in both directions: many mail servers still have IPv4 only.",
        fix="Rent an IPv4 address for this machine from your provider, then check again.",
        facts=facts,
    )


def _carrier_nat(facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.BAD,
        summary="This machine shares its address with other customers of the provider (carrier-grade NAT).",
        meaning="It has no address of its own that the world could connect to, and no port can be forwarded.",
        breaks="No mail comes in.",
        fix="Ask the provider for a public IPv4 address of your own, or use a rented server.",
        facts=facts,
    )


def _none() -> Finding:
    return Finding(
        state=State.BAD,
        summary="This machine has no network address.",
        meaning="There is no connection to any network but to itself.",
        breaks="No mail comes in or goes out.",
        fix="Bring the network up (ip address show lists what there is), then check again.",
    )


def _container(facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.WARN,
        summary="In a container with a network of its own: the world sees the address of the host.",
        meaning="Ports must be published, and the engine may put its own address in place of the sender's.",
        breaks="When all mail seems to come from one address, senders cannot be told apart: junk filtering, limits and "
        "block lists fail, and outgoing mail may leave from another address than the one with reverse DNS.",
        fix="Run the container in the network of the host: docker run --network host ... (in a compose file: "
        "network_mode: host).",
        facts=facts,
    )


def _nat(facts: dict[str, list[str]], outside: Sequence[IPAddress]) -> Finding:
    seen = f" From outside it is {listed(outside)}." if outside else ""
    return Finding(
        state=State.WARN,
        summary="Behind NAT: this machine has private addresses, and the world sees another one." + seen,
        meaning="A router or the provider's network translates addresses; it must pass connections on to this machine.",
        breaks="Mail comes in only on the ports that are passed on, and DNS must have the outer address.",
        fix="In the router or the provider's firewall pass TCP ports 25, 80, 443, 465, 587 and 993 on to this machine, "
        "and publish the outer address in DNS. At home also see whether the line has a fixed address.",
        facts={**facts, "From outside": [str(ip) for ip in outside]} if outside else facts,
    )
