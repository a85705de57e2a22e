"""Looks every few hours at what others have of this server: its records in DNS, its addresses on block lists, and a
newer version, if CheckUpdates says so.

    lookout = Lookout(live, looks, resolver, clock)
    lookout.start()
    await lookout.stop()

What was seen is kept in `store/looks`, with since when it is so, and told by the status; that of block lists is a
metric too. Each domain's records are looked at once a day, the lists every three hours, first a few minutes after the
start. Nothing is asked for a server that only this machine can reach. What cannot be told is never taken for wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from app import metrics
from app.clock import Clock
from app.config.live import Live
from app.errors import MailError
from app.log import logger
from app.net.authority import AuthoritativeServers
from app.operations.dnscheck.states import RecordState, State, states
from app.operations.dnsrecords import Record, files_below, host_of, records
from app.operations.newversion import seen_newest
from app.operations.ownlistings import ListState, own_addresses, own_listings, zones_of
from app.operations.status.finding import is_public
from app.operations.status.outside import DNS_LOOKS, LISTING_LOOKS, VERSION_LOOKS
from app.store.looks import Grade, Looks, Seen
from app.trust.dnsbl import DnsblStatus
from app.trust.lookup import Resolver
from app.wire.domain import Domain

FIRST_S: Final = 180.0
LISTINGS_S: Final = 3 * 3600.0
DNS_S: Final = 24 * 3600.0
VERSION_S: Final = 24 * 3600.0
DOMAIN_S: Final = 60.0  # for all records of one
MAX_DOMAINS: Final = 1000
MAX_NAMED: Final = 5  # records, in words

log = logger("operations")

_LISTED = metrics.gauge(
    "dnsbl_ips_success", "Addresses of this server on block lists: 1 is not listed, 0 is listed.", ("zone", "ip")
)


class Lookout:
    """The tasks that look."""

    def __init__(
        self,
        live: Live,
        looks: Looks,
        resolver: Resolver,
        clock: Clock,
        authority: Callable[[Resolver], AuthoritativeServers] = AuthoritativeServers,
    ) -> None:
        self._live = live
        self._looks = looks
        self._resolver = resolver
        self._clock = clock
        self._authority = authority
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, soon."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._repeat(self.look_at_lists, LISTINGS_S)),
            loop.create_task(self._repeat(self.look_at_dns, DNS_S)),
            loop.create_task(self._repeat(self.look_for_version, VERSION_S)),
        ]

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, look: Callable[[], Awaitable[None]], interval_s: float) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                if is_public(self._live.static):
                    await look()
            except MailError as error:
                log.warn("cannot look at what others have of this server", err=error)
            except Exception as error:  # a mistake in this program must not end it for ever
                metrics.PANICS.labels("operations").inc()
                log.error("looking at what others have of this server broke", err=repr(error))
            await asyncio.sleep(interval_s)

    async def look_at_lists(self) -> None:
        """Ask every list about every address of ours, and keep what they say."""
        live = self._live
        ips = await own_addresses(live.static, self._resolver)
        found = await own_listings(self._resolver, zones_of(live.static, live.dynamic), ips)
        _LISTED.clear()
        for one in found:
            for ip, result in one.results:
                if result.status is not DnsblStatus.CANNOT_TELL:
                    _LISTED.labels(str(one.zone), str(ip)).set(result.status is DnsblStatus.NOT_LISTED)
        await self._looks.note(LISTING_LOOKS, map(seen_of_list, found))

    async def look_at_dns(self) -> None:
        """Look for the records of every domain in use, one domain after the other, and keep what is seen."""
        domains = [name for name, config in self._live.dynamic.domains.items() if not config.disabled]
        await self._looks.note(DNS_LOOKS, [await self._domain(name) for name in domains[:MAX_DOMAINS]])

    async def look_for_version(self) -> None:
        """Ask whether there is a newer version of this program, if that is wanted, and keep the answer."""
        is_wanted = self._live.static.check_updates
        await self._looks.note(VERSION_LOOKS, [await seen_newest(self._resolver)] if is_wanted else [])

    async def _domain(self, domain: Domain) -> Seen:
        try:
            wanted = await asyncio.to_thread(self._wanted, domain)
            authority = self._authority(self._resolver)
            try:
                async with asyncio.timeout(DOMAIN_S):
                    found = await states(wanted, authority, self._resolver)
            finally:
                authority.close()
        except TimeoutError:
            return Seen(thing=domain.ascii, grade=Grade.UNKNOWN, text="Its name servers take too long to answer.")
        except (MailError, OSError) as error:
            return Seen(thing=domain.ascii, grade=Grade.UNKNOWN, text=f"This cannot be told: {error}.")
        return seen_of_records(domain, found)

    def _wanted(self, domain: Domain) -> Sequence[Record]:
        live, keys = self._live, files_below(self._live.config_dir)
        return records(live.static, live.dynamic, domain, host_of(live.static, keys), keys)


def seen_of_list(one: ListState) -> Seen:
    """What a list says of all our addresses, in words."""
    listed = [(ip, said) for ip, said in one.results if said.status is DnsblStatus.LISTED]
    if listed:
        words = "; ".join(
            f"{ip} is listed{f' ({said.explanation})' if said.explanation else ''}" for ip, said in listed
        )
        is_policy = all(said.is_policy for _, said in listed)
        where = f" Ask to be taken off at {one.removal}" if one.removal else ""
        text = f"{words}. Servers that ask this list refuse mail from there.{where}"
        return Seen(thing=str(one.zone), grade=Grade.LOOK if is_policy else Grade.ACT, text=text)
    if not one.health.is_healthy or any(said.status is DnsblStatus.CANNOT_TELL for _, said in one.results):
        text = f"The list gives no answer that can be used: {one.health.problem or 'DNS failed'}."
        return Seen(thing=str(one.zone), grade=Grade.UNKNOWN, text=text)
    return Seen(thing=str(one.zone), grade=Grade.FINE, text=f"{len(one.results)} addresses of ours were asked for.")


def seen_of_records(domain: Domain, found: Sequence[RecordState]) -> Seen:
    """What is seen of the records that matter, in words."""
    matter = [one for one in found if one.record.matters]
    wrong = [one for one in matter if one.state in (State.MISSING, State.WRONG)]
    partly = [one for one in matter if one.state in (State.PARTLY, State.FOREIGN)]
    unknown = [one for one in matter if one.state is State.UNKNOWN]
    for some, grade in ((wrong, Grade.ACT), (partly, Grade.LOOK), (unknown, Grade.UNKNOWN)):
        if some:
            return Seen(thing=domain.ascii, grade=grade, text=f"{_named(some)}.")
    return Seen(thing=domain.ascii, grade=Grade.FINE, text=f"All {len(matter)} records that matter are there.")


def _named(some: Sequence[RecordState]) -> str:
    names = [f"{one.record.type} {one.record.name}: {one.state.words}" for one in some[:MAX_NAMED]]
    return "; ".join(names) + (f"; and {len(some) - MAX_NAMED} more" if len(some) > MAX_NAMED else "")
