"""Do DNS block lists name the client? Only lists that work are believed.

Whether a list works is asked by its test entries (RFC 5782 §5) at the first use and again every four hours; one that
does not work is left out, and the log says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from app.clock import SYSTEM, Clock
from app.log import logger
from app.smtpserver.checks.timing import note_dnsbl, timed
from app.trust.budget import Budget
from app.trust.dnsbl import DnsblResult, DnsblStatus, check_dnsbl, check_dnsbl_health
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.smtp.address import IPAddress

HEALTH_S: Final = 4 * 3600.0

log = logger("smtpserver")


class BlockLists:
    """The lists of this process, with what is known of their health."""

    def __init__(self, resolver: Resolver, clock: Clock = SYSTEM) -> None:
        self._resolver = resolver
        self._clock = clock
        self._health: dict[Domain, tuple[float, bool]] = {}  # when it was asked, and whether it works

    async def __call__(self, zones: Sequence[Domain], remote: IPAddress) -> tuple[str, ...]:
        """The lists that name the address, in their order, each with what it says."""
        resolver = Budget(self._resolver)
        found = await asyncio.gather(*(self._ask(resolver, zone, remote) for zone in zones))
        return tuple(_words(one) for one in found if one is not None and one.status is DnsblStatus.LISTED)

    async def _ask(self, resolver: Resolver, zone: Domain, remote: IPAddress) -> DnsblResult | None:
        if not await self._works(zone):
            return None
        return await timed(check_dnsbl(resolver, zone, remote), note_dnsbl(zone))

    async def _works(self, zone: Domain) -> bool:
        now = self._clock.monotonic()
        asked, works = self._health.get(zone, (-HEALTH_S, False))
        if now - asked < HEALTH_S:
            return works
        health = await check_dnsbl_health(Budget(self._resolver), zone)
        if not health.is_healthy:
            log.warn("block list does not work and is left out", zone=zone, problem=health.problem)
        self._health[zone] = (now, health.is_healthy)
        return health.is_healthy


def _words(one: DnsblResult) -> str:
    said = ", ".join(map(str, one.codes))
    return f"{one.zone}: {said}{f': {one.explanation}' if one.explanation else ''}"
