"""What the machine and DNS say together about where the server will be: host name, addresses, and those outside of NAT.

The machine is asked at once; DNS only behind NAT, for the addresses of the host name, and for a few seconds at most:
what it does not say in time can be given by the person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.config.schema import IPAddress
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain
from quickstart.checks.addresses import listening_addresses
from quickstart.machine import Machine
from quickstart.options import MAX_ADDRESSES, Network, Options, guess_hostname

DNS_S = 4.0


async def find_network(machine: Machine, resolver: Resolver, options: Options) -> Network:
    """Everything for these options; raises nothing."""
    hostname, ips = await asyncio.to_thread(lambda: (machine.hostname(), listening_addresses(machine)))
    if ips or options.nat_ips:
        return Network(hostname=hostname, ips=ips)
    name = options.hostname or guess_hostname(options.address.domain, hostname)
    return Network(hostname=hostname, ips=ips, outside=await _published(name, resolver))


async def _published(name: Domain, resolver: Resolver) -> Sequence[IPAddress]:
    """Public addresses that DNS has for the name; IPv4 first."""
    try:
        async with asyncio.timeout(DNS_S):
            found = (await resolver.addresses(name.ascii)).records
    except (LookupFailed, TimeoutError):
        return ()
    public = [ip for ip in found if ip.is_global and not ip.is_multicast]
    return tuple(sorted(public, key=lambda ip: (ip.version, int(ip)))[:MAX_ADDRESSES])
