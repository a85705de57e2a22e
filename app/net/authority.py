"""What the name servers of a zone say themselves, each asked directly, so that no cache shows what was there before.

`AuthoritativeServers.ask(name, kind)` finds the zone of the name and its servers through a resolver, follows where the
zone hands a part of itself to other servers (RFC 1035 §4.3.2), and asks each server: what comes back is one `Said` for
each, in the order of their names. Aliases are followed. Records are text as in a zone file; those of TXT are joined and
may hold any character, so whoever shows them must escape them.

Zones and their servers are remembered for as long as the object lives: make one for each round of checks.

Bounded: 8 servers of a zone, 2 addresses of each, 32 questions at a time, 10 seconds and 8 aliases for each call. Never
raises for what DNS says: no name servers are an empty list, a server that is silent or refuses is NO_ANSWER.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rdtypes.txtbase
import dns.rrset

from app.net.dnsexchange import Exchange, Server
from app.trust.lookup import LookupFailed, Resolver
from app.wire.smtp.address import IPAddress

MAX_SERVERS = 8
MAX_ADDRESSES = 2  # of one server
MAX_AT_ONCE = 32
MAX_ALIASES = 8
MAX_REFERRALS = 4
MAX_RECORDS = 100  # of one name and type
ASK_S = 10.0


class Outcome(Enum):
    """What a server knows of a name and type."""

    RECORDS = "records"
    NOTHING = "nothing"  # the name is there, with other types
    NO_NAME = "does not exist"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one server answered."""

    server: str
    outcome: Outcome
    records: tuple[str, ...] = ()
    alias: str = ""  # the name that an alias (CNAME) at the name asked about leads to
    reason: str = ""  # of NO_ANSWER

    @property
    def is_answer(self) -> bool:
        """Whether the server answered at all."""
        return self.outcome is not Outcome.NO_ANSWER


class Authority(Protocol):
    """Who can be asked what a zone's own servers say."""

    async def ask(self, name: str, kind: str) -> list[Said]:
        """What each server of the name's zone says; empty when no server could be found."""


@dataclass(frozen=True, slots=True)
class _Zone:
    name: dns.name.Name
    servers: Mapping[str, Sequence[IPAddress]]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A reply as it came, with the part of the zone that it leaves to others, if that is the reply."""

    said: Said
    referral: dns.rrset.RRset | None = None


class AuthoritativeServers:
    """Asks for real; bound to one event loop."""

    def __init__(self, resolver: Resolver, port: int = 53, ask_s: float = ASK_S) -> None:
        self._resolver = resolver
        self._port = port
        self._ask_s = ask_s
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._zones: dict[dns.name.Name, asyncio.Task[_Zone | None]] = {}
        self._exchanges: dict[tuple[IPAddress, ...], Exchange] = {}

    def close(self) -> None:
        """Close the sockets; questions under way fail."""
        for task in self._zones.values():
            task.cancel()
        for exchange in self._exchanges.values():
            exchange.close()

    async def ask(self, name: str, kind: str) -> list[Said]:
        """What each server of the name's zone says; empty when no server could be found."""
        try:
            return await self._ask(dns.name.from_text(name), dns.rdatatype.from_text(kind), MAX_ALIASES)
        except (dns.exception.DNSException, ValueError):  # a name that DNS cannot hold, at the end of an alias too
            return []

    async def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, aliases: int) -> list[Said]:
        zone = await self._zone_of(name)
        heard: list[_Heard] = []
        for _ in range(MAX_REFERRALS):
            if zone is None:
                return []
            heard = await asyncio.gather(
                *(self._hear(zone.name, server, ips, (name, kind)) for server, ips in zone.servers.items())
            )
            referral = next((one.referral for one in heard if one.referral is not None), None)
            if referral is None:
                break
            zone = await self._delegated(referral)
        return await self._follow([one.said for one in heard], kind, aliases)

    async def _follow(self, said: list[Said], kind: dns.rdatatype.RdataType, aliases: int) -> list[Said]:
        """The same with the records at the end of an alias, where a server left the way there to us.

        Servers that disagree about where it leads could send us anywhere: only the first one's word is followed.
        """
        lead = next((one.alias for one in said if one.alias and one.outcome is Outcome.NOTHING), "")
        if not lead:
            return said
        end = Said(server="", outcome=Outcome.NO_ANSWER, reason=f"no server knows {lead}")
        if aliases == 0:
            end = replace(end, reason="too many aliases (CNAME)")
        else:
            there = await self._ask(dns.name.from_text(lead), kind, aliases - 1)
            end = next((one for one in there if one.is_answer), next(iter(there), end))
        return [
            replace(end, server=one.server, alias=lead) if one.alias == lead and one.outcome is Outcome.NOTHING else one
            for one in said
        ]

    async def _hear(
        self,
        zone: dns.name.Name,
        server: str,
        ips: Sequence[IPAddress],
        question: tuple[dns.name.Name, dns.rdatatype.RdataType],
    ) -> _Heard:
        silent = Said(server=server, outcome=Outcome.NO_ANSWER, reason="has no address")
        if not ips:
            return _Heard(silent)
        try:
            async with self._places, asyncio.timeout(self._ask_s):
                reply = await self._exchange(ips).ask(*question)
            return _read(server, zone, question, reply.message)
        except LookupFailed as err:
            return _Heard(replace(silent, reason=err.reason))
        except TimeoutError:
            return _Heard(replace(silent, reason=f"no reply within {self._ask_s:.0f} seconds"))

    def _exchange(self, ips: Sequence[IPAddress]) -> Exchange:
        key = tuple(ips)
        if key not in self._exchanges:
            self._exchanges[key] = Exchange([Server(str(ip), self._port) for ip in ips], recursion=False)
        return self._exchanges[key]

    async def _zone_of(self, name: dns.name.Name) -> _Zone | None:
        """The innermost zone that the resolver knows for a name; servers that ask us to go further come later."""
        while name != dns.name.root:
            task = self._zones.get(name)
            if task is None:
                task = self._zones[name] = asyncio.create_task(self._zone_at(name))
            if zone := await asyncio.shield(task):
                return zone
            name = name.parent()
        return None

    async def _zone_at(self, name: dns.name.Name) -> _Zone | None:
        text = name.to_text(omit_final_dot=True).lower()
        try:
            async with asyncio.timeout(self._ask_s):
                answer = await self._resolver.ns(text)
        except (LookupFailed, TimeoutError):
            return None
        if not answer.records or answer.canonical.lower() != text:  # an alias has no zone of its own
            return None
        return await self._with_addresses(name, answer.records)

    async def _delegated(self, referral: dns.rrset.RRset) -> _Zone | None:
        return await self._with_addresses(
            referral.name, [record.target.to_text(omit_final_dot=True) for record in referral]
        )

    async def _with_addresses(self, zone: dns.name.Name, names: Sequence[str]) -> _Zone:
        chosen = sorted({name.lower() for name in names})[:MAX_SERVERS]
        found = await asyncio.gather(*(self._addresses(name) for name in chosen))
        return _Zone(zone, dict(zip(chosen, found, strict=True)))

    async def _addresses(self, server: str) -> Sequence[IPAddress]:
        """One address of each family, IPv4 first, as not every network has IPv6."""
        try:
            async with asyncio.timeout(self._ask_s):
                ips = (await self._resolver.addresses(server)).records
        except (LookupFailed, TimeoutError):
            return ()
        by_family = {ip.version: ip for ip in sorted(ips, key=str, reverse=True)}
        return [by_family[version] for version in (4, 6) if version in by_family][:MAX_ADDRESSES]


def _read(
    server: str,
    zone: dns.name.Name,
    question: tuple[dns.name.Name, dns.rdatatype.RdataType],
    message: dns.message.Message,
) -> _Heard:
    name = question[0]
    try:
        chain = message.resolve_chaining()  # type: ignore[attr-defined]
    except dns.exception.DNSException as err:
        return _Heard(Said(server=server, outcome=Outcome.NO_ANSWER, reason=f"bad reply: {err}"))
    alias = "" if chain.canonical_name == name else chain.canonical_name.to_text(omit_final_dot=True).lower()
    if chain.answer is not None:
        records = tuple(_text(record) for record in list(chain.answer)[:MAX_RECORDS])
        return _Heard(Said(server=server, outcome=Outcome.RECORDS, records=records, alias=alias))
    if not alias:
        for rrset in message.authority:
            below = rrset.name != zone and rrset.name.is_subdomain(zone) and name.is_subdomain(rrset.name)
            if rrset.rdtype == dns.rdatatype.NS and below:
                return _Heard(Said(server=server, outcome=Outcome.NO_ANSWER, reason="leaves it to others"), rrset)
    missing = message.rcode() == dns.rcode.NXDOMAIN and not alias
    return _Heard(Said(server=server, outcome=Outcome.NO_NAME if missing else Outcome.NOTHING, alias=alias))


def _text(record: dns.rdata.Rdata) -> str:
    """A record as text; only TXT can hold what is not printable here."""
    if isinstance(record, dns.rdtypes.txtbase.TXTBase):
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    return record.to_text()
