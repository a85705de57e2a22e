"""What a check is about and what it finds: parts of a domain's set-up, with errors, warnings and instructions of each.

An error is something that loses mail or trust today; a warning is something that could be better; an instruction says
what to do, most often a record to publish. All texts are fit to be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from app.config.dynamic import ConfigDomain
from app.config.schema import IPAddress
from app.config.static import Static
from app.net.authority import Authority
from app.operations.dnscheck.dialling import Dialler
from app.operations.dnscheck.states import RecordState, State, states
from app.operations.dnsrecords import Host, Record
from app.trust.lookup import Resolver
from app.wire.domain import Domain

MAX_HOSTS = 5  # mail hosts of a domain that are looked at
MAX_IPS = 8  # addresses of one host


class Part(Enum):
    """The parts, in order, with the names that people search for."""

    DNSSEC = "DNSSEC"
    IPREV = "IPRev"
    MX = "MX"
    TLS = "TLS"
    DANE = "DANE"
    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"
    TLSRPT = "TLSRPT"
    MTASTS = "MTA-STS"
    SRV = "SRV"
    AUTOCONF = "Autoconf"
    AUTODISCOVER = "Autodiscover"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCheck:
    """What was found of one part."""

    part: Part
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to do."""
        return not self.errors and not self.warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """What was found of a domain, every part in order."""

    domain: Domain
    parts: tuple[PartCheck, ...]

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to do at all."""
        return all(part.is_fine for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the checks reach the world; one is made for each round of checks."""

    resolver: Resolver
    authority: Authority
    dialler: Dialler


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The domain that is checked, and what should be."""

    static: Static
    config: ConfigDomain
    domain: Domain
    host: Host
    wanted: Sequence[Record]
    network: Network

    async def states(self, choose: Callable[[Record], bool]) -> list[RecordState]:
        """What is seen of some of the wanted records."""
        chosen = [record for record in self.wanted if choose(record)]
        return await states(chosen, self.network.authority, self.network.resolver)

    async def own_ips(self) -> Sequence[IPAddress]:
        """The addresses of this host: those of the configuration, or where it names none, those of its name."""
        if self.host.ips:
            return self.host.ips
        return (await self.network.resolver.addresses(self.static.hostname.ascii)).records[:MAX_IPS]

    async def mail_hosts(self) -> list[str]:
        """The hosts that mail of the domain goes to, best first; the null MX is "" (RFC 7505)."""
        found = await self.network.resolver.mx(self.domain.ascii)
        return list(dict.fromkeys(mx.host for mx in sorted(found.records)))[:MAX_HOSTS]

    async def addresses(self, host: str) -> Sequence[IPAddress]:
        """The addresses of a host."""
        return (await self.network.resolver.addresses(host)).records[:MAX_IPS]


@dataclass(slots=True)
class Notes:
    """What a check writes down."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)

    def error(self, text: str) -> None:
        """Something that loses mail or trust."""
        self.errors.append(text)

    def warn(self, text: str) -> None:
        """Something that could be better."""
        self.warnings.append(text)

    def advise(self, text: str) -> None:
        """What to do."""
        self.instructions.append(text)

    def take(self, seen: Iterable[RecordState], *, is_optional: bool = False) -> None:
        """What the states of records say; of optional ones it is a warning at most."""
        for one in seen:
            if one.state is State.SEEN:
                continue
            note = self.warn if is_optional or one.state is State.PARTLY else self.error
            note(f"{one.record.name} {one.record.type}: {one.sentence}")
            if one.state in (State.MISSING, State.WRONG, State.FOREIGN):
                self.advise(f"Publish: {published_line(one)}")

    def of(self, part: Part) -> PartCheck:
        """The result."""
        return PartCheck(
            part=part,
            errors=tuple(self.errors),
            warnings=tuple(self.warnings),
            instructions=tuple(dict.fromkeys(self.instructions)),
        )


def published_line(seen: RecordState) -> str:
    """The record as a line of a zone file, with what is proposed where it must serve others too."""
    record = seen.record
    if seen.proposal:
        record = Record(name=record.name, type=record.type, content=seen.proposal)
    return f"{record.name}. {record.type} {record.zone_content}"
