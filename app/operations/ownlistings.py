"""Whether addresses of this server are on block lists: those that others go by, and those it asks itself.

Asked are the lists of MonitorDNSBLs and those that listeners ask about senders. A list that does not work through this
resolver says nothing; that is told, and is no listing. Where to ask to be taken off is known for the common lists.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.config.dynamic import Dynamic
from app.config.live import Live
from app.config.static import Static
from app.trust.budget import Budget
from app.trust.dnsbl import DnsblHealth, DnsblResult, check_dnsbl, check_dnsbl_health
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.smtp.address import IPAddress

MAX_ZONES: Final = 30

USUAL: Final = ("zen.spamhaus.org", "bl.spamcop.net")
_REMOVALS: Final = {
    "spamhaus.org": "https://check.spamhaus.org/",
    "spamcop.net": "https://www.spamcop.net/bl.shtml",
    "barracudacentral.org": "https://www.barracudacentral.org/rbl/removal-request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """What one list says of all our addresses."""

    zone: Domain
    health: DnsblHealth
    results: Sequence[tuple[IPAddress, DnsblResult]] = ()

    @property
    def removal(self) -> str:
        """Where to ask to be taken off; "" when it is not known."""
        return next((url for name, url in _REMOVALS.items() if self.zone.is_subdomain_of(Domain(name))), "")


def zones_of(static: Static, dynamic: Dynamic) -> list[Domain]:
    """The lists to ask, each once."""
    asked = [zone for one in static.listeners.values() if one.smtp is not None for zone in one.smtp.dnsbls]
    return list(dict.fromkeys([*dynamic.monitor_dnsbls, *asked]))[:MAX_ZONES]


async def own_addresses(static: Static, resolver: Resolver) -> list[IPAddress]:
    """The addresses others see: those of the SMTP listeners, or what DNS has for the host name; raises LookupFailed."""
    listeners = [one for one in static.listeners.values() if one.smtp is not None and one.smtp.enabled]
    ips = [ip for one in listeners for ip in one.nat_ips or one.ips]
    found = [ip for ip in ips if not ip.is_unspecified and ip.is_global]
    if not found:
        found = list((await resolver.addresses(static.hostname.ascii)).records)
    return list(dict.fromkeys(found))


async def own_listings(resolver: Resolver, zones: Sequence[Domain], ips: Sequence[IPAddress]) -> list[ListState]:
    """What each list says, in their order; never raises."""
    return list(await asyncio.gather(*(_state(Budget(resolver), zone, ips) for zone in zones)))


async def _state(resolver: Resolver, zone: Domain, ips: Sequence[IPAddress]) -> ListState:
    health = await check_dnsbl_health(resolver, zone)
    if not health.is_healthy:
        return ListState(zone=zone, health=health)
    results = await asyncio.gather(*(check_dnsbl(resolver, zone, ip) for ip in ips))
    return ListState(zone=zone, health=health, results=list(zip(ips, results, strict=True)))


def set_monitored(live: Live, zones: Sequence[Domain], by: str) -> None:
    """Choose the lists to look at; raises ConfigError."""
    live.change(lambda dynamic: dataclasses.replace(dynamic, monitor_dnsbls=tuple(zones)), by, "block lists to look at")
