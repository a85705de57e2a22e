"""A resolver that answers from a dictionary, and nothing else: a question it does not know ends the test."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.trust.lookup import Answer, LookupFailed, Mx, Tlsa
from app.wire.smtp.address import IPAddress


@dataclass(slots=True)
class Records:
    """TXT records by name; None for a name that cannot be looked up. Other names do not exist."""

    texts: dict[str, list[bytes] | None] = field(default_factory=dict)
    existing: set[str] = field(default_factory=set)  # names without TXT records, but with others
    authentic: bool = False
    asked: list[str] = field(default_factory=list)

    async def txt(self, name: str) -> Answer[bytes]:
        self.asked.append(name)
        found = self.texts.get(name, [])
        if found is None:
            raise LookupFailed(name, "TXT", "server failure")
        return Answer(tuple(found), name, self.authentic, exists=bool(found) or name in self.existing)

    async def mx(self, name: str) -> Answer[Mx]:
        self.asked.append(name)
        if self.texts.get(name, []) is None:
            raise LookupFailed(name, "MX", "server failure")
        return Answer((), name, self.authentic, exists=name in self.existing or name in self.texts)

    async def addresses(self, name: str) -> Answer[IPAddress]:
        raise AssertionError(f"addresses of {name} were asked")

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        raise AssertionError(f"IPv4 of {name} was asked")

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        raise AssertionError(f"IPv6 of {name} was asked")

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        raise AssertionError(f"the name of {ip} was asked")

    async def ns(self, name: str) -> Answer[str]:
        raise AssertionError(f"NS of {name} was asked")

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        raise AssertionError(f"TLSA of {name} was asked")
