"""What the checks may ask of DNS, and the values they get.

`Resolver` is the interface; `net/resolver.py` answers it for real, tests answer it from a dictionary. An `Answer` is
what DNS says for certain: records, or that there are none, or that the name does not exist at all. "Cannot tell" (no
reply, SERVFAIL) is not an answer: it raises LookupFailed, which is `Temporary`, so nobody mistakes it for "does not
exist".

`authentic` is the AD bit of a resolver that is trusted to have checked DNSSEC (RFC 4035 §3.2.3). Names are ASCII
without a final dot; a name that DNS cannot hold does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.errors import Temporary
from app.wire.smtp.address import IPAddress

T = TypeVar("T")


class LookupFailed(Temporary):
    """DNS did not tell; asking again may help."""

    def __init__(self, name: str, kind: str, reason: str) -> None:
        super().__init__(f"cannot look up {kind} of {name}: {reason}")
        self.name = name
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The records of a name and type. `canonical` is the name they stand at, after CNAMEs."""

    records: tuple[T, ...]
    canonical: str
    authentic: bool = False
    exists: bool = True  # False for NXDOMAIN; no records of this type, but others, is True
    ttl: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Mx:
    """A mail exchanger; the host "" is the null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Tlsa:
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


class Resolver(Protocol):
    """The questions. All raise LookupFailed."""

    async def mx(self, name: str) -> Answer[Mx]:
        """Mail exchangers, in no order."""

    async def addresses(self, name: str) -> Answer[IPAddress]:
        """IPv6 and IPv4 addresses together; a family that fails does not matter when the other has some."""

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        """A records."""

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        """AAAA records."""

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, each with its strings joined."""

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        """The names that reverse DNS gives."""

    async def ns(self, name: str) -> Answer[str]:
        """The names of a zone's servers, where `name` is a zone of its own."""

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """TLSA records at `_25._tcp.host`."""
