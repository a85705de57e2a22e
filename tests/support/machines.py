"""A machine and a resolver that say what a test gives them, for the checks of the wizard.

`healthy_zone()` and `FakeMachine()` are a world in which every check is OK; a test changes the one fact it is about.
The zone is that of tests/support/dns.py: name to type to texts, with "AD" and, for a name that cannot be looked up,
"RCODE". Names that are not there do not exist.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app.trust.lookup import Answer, LookupFailed, Mx, Tlsa
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import IPAddress, parse_address
from quickstart.checks.finding import Context, Question
from quickstart.machine import Binding, Dialled
from quickstart.probes.listening import Listening
from quickstart.probes.registration import Registration
from tests.support.clock import SetClock

Zone = dict[str, dict[str, Any]]
T = TypeVar("T")
FOUR, SIX = ipaddress.ip_address("5.9.9.9"), ipaddress.ip_address("2a01:4f8::9")
NOW = 1_790_000_000.0
DAY_S = 86400
GREETINGS = {"1.1.1.1": "mx.google.com", "1.1.1.2": "outlook.com", "1.1.1.3": "mta.yahoo.com"}
GREETINGS_6 = {"2606:4700::1": "mx.google.com", "2606:4700::2": "outlook.com", "2606:4700::3": "mta.yahoo.com"}
OLD = Registration(registered=NOW - 400 * DAY_S)


def ips(*texts: str) -> tuple[IPAddress, ...]:
    """Addresses from texts."""
    return tuple(ipaddress.ip_address(text) for text in texts)


def reverse(ip: IPAddress | str) -> str:
    """The name whose PTR records are an address's names."""
    return ipaddress.ip_address(str(ip)).reverse_pointer


def healthy_zone() -> Zone:
    """DNS of a host that is set up well, with the world around it."""
    zone: Zone = {
        "com": {"NS": ["a.gtld-servers.net"], "AD": True},
        "example.org": {"NS": ["ns.example.net"]},
        "mail.example.org": {"A": [str(FOUR)], "AAAA": [str(SIX)]},
        reverse(FOUR): {"PTR": ["mail.example.org"]},
        reverse(SIX): {"PTR": ["mail.example.org"]},
        "2.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2", "127.0.0.4"]},
        "2.0.0.127.bl.spamcop.net": {"A": ["127.0.0.2"]},
    }
    for domain, four, six in zip(("gmail.com", "outlook.com", "yahoo.com"), GREETINGS, GREETINGS_6, strict=True):
        zone[domain] = {"MX": [f"20 other.{domain}", f"10 mx.{domain}"]}
        zone[f"mx.{domain}"] = {"A": [four], "AAAA": [six]}
    for name in ("time.cloudflare.com", "time.google.com", "time.apple.com"):
        zone[name] = {"A": ["1.2.3.4"]}
    return zone


@dataclass(slots=True)
class DictionaryResolver:
    """Answers from a zone, and notes what it was asked."""

    zone: Zone = field(default_factory=healthy_zone)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def _texts(self, name: str, kind: str) -> Answer[str]:
        name = name.lower().rstrip(".")
        self.asked.append((name, kind))
        facts = self.zone.get(name)
        if facts is None:
            return Answer((), name, exists=False)
        if "RCODE" in facts:
            raise LookupFailed(name, kind, facts["RCODE"])
        if "CNAME" in facts:
            return self._texts(facts["CNAME"][0], kind)
        return Answer(tuple(facts.get(kind, ())), name, authentic=bool(facts.get("AD")))

    def _addresses(self, name: str, kind: str) -> Answer[IPAddress]:
        answer = self._texts(name, kind)
        return Answer(ips(*answer.records), answer.canonical, answer.authentic, answer.exists)

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        return self._addresses(name, "A")

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        return self._addresses(name, "AAAA")

    async def addresses(self, name: str) -> Answer[IPAddress]:
        six, four = self._addresses(name, "AAAA"), self._addresses(name, "A")
        return Answer((*six.records, *four.records), four.canonical, four.authentic, four.exists)

    async def mx(self, name: str) -> Answer[Mx]:
        answer = self._texts(name, "MX")
        pairs = [text.split() for text in answer.records]
        records = tuple(Mx(int(preference), host.rstrip(".")) for preference, host in pairs)
        return Answer(records, answer.canonical, answer.authentic, answer.exists)

    async def txt(self, name: str) -> Answer[bytes]:
        answer = self._texts(name, "TXT")
        return Answer(tuple(text.encode() for text in answer.records), answer.canonical, answer.authentic)

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        return self._texts(ip.reverse_pointer, "PTR")

    async def ns(self, name: str) -> Answer[str]:
        return self._texts(name, "NS")

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        raise LookupFailed(name, "TLSA", "no check asks for this")


@dataclass(slots=True, kw_only=True)
class FakeMachine:
    """A rented machine with nothing wrong, until a test changes it."""

    addresses: Sequence[IPAddress] = (FOUR, SIX)
    name: str = "mail.example.org"
    hosts: Mapping[str, Sequence[IPAddress]] = field(default_factory=dict)
    listening: Mapping[int, Sequence[Listening]] = field(default_factory=dict)
    bindings: Mapping[int, Binding] = field(default_factory=dict)
    banners: Mapping[str, str] = field(default_factory=lambda: {**GREETINGS, **GREETINGS_6})  # by address: who greets
    offset_s: float | None = 0.02
    is_synchronised: bool | None = True
    free: int | None = 50 * 10**9
    memory: int | None = 2 * 10**9
    registered: Registration = OLD
    in_container: bool = False
    root: bool = True
    closed: str = ""  # a directory that only root may enter
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def interfaces(self) -> Sequence[IPAddress]:
        return self.addresses

    def routes(self) -> Sequence[IPAddress]:
        by_family = {ip.version: ip for ip in reversed(self.addresses)}
        return tuple(by_family.values())

    def hostname(self) -> str:
        return self.name

    def addresses_in_hosts(self, name: str) -> Sequence[IPAddress]:
        return self.hosts.get(name, ())

    async def listeners(self, port: int) -> Sequence[Listening]:
        return self.listening.get(port, ())

    def can_bind(self, address: IPAddress, port: int) -> Binding:
        return self.bindings.get(port, Binding.TAKEN if self.listening.get(port) else Binding.FREE)

    async def dial(self, ip: IPAddress, port: int, timeout_s: float) -> Dialled:
        self.dialled.append((str(ip), port))
        name = self.banners.get(str(ip))
        if name is None:
            return Dialled(reason=f"no answer within {timeout_s:.0f} seconds")
        return Dialled(banner=name if name[:1].isdigit() else f"220 {name} ESMTP")

    async def clock_offset(self, server: IPAddress, timeout_s: float) -> float | None:
        return self.offset_s

    def is_clock_synchronised(self) -> bool | None:
        return self.is_synchronised

    def free_bytes(self, directory: Path) -> int | None:
        return self.free

    def memory_bytes(self) -> int | None:
        return self.memory

    async def registration(self, domain: str, timeout_s: float) -> Registration:
        return self.registered

    def is_container(self) -> bool:
        return self.in_container

    def is_root(self) -> bool:
        return self.root

    def closed_to_others(self, path: Path) -> Path | None:
        return Path(self.closed) if self.closed and path.is_relative_to(self.closed) else None

    def interpreter(self) -> Path:
        return Path("/usr/lib/python3.11")


def make_context(
    machine: FakeMachine | None = None,
    zone: Zone | None = None,
    *,
    hostname: str = "mail.example.org",
    address: str = "you@example.org",
    question: Mapping[str, Any] | None = None,
) -> Context:
    """A question to a machine and a zone, the healthy ones when not given; `question` has more of its fields."""
    name = parse_domain(hostname) if "." in hostname else Domain(hostname)
    return Context(
        question=Question(
            address=parse_address(address), hostname=name, directory=Path("/srv/mox"), **(question or {})
        ),
        machine=machine or FakeMachine(),
        resolver=DictionaryResolver(healthy_zone() if zone is None else zone),
        clock=SetClock(NOW),
    )
