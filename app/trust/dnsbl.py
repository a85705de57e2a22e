"""Block lists in DNS: is an address listed, not listed, or can it not be told? (RFC 5782.)

    A of 1.2.0.192.zone      an address in 127.0.0.0/8: listed, and the code says why; none: not listed
    TXT of the same          why, in the list's own words
    127.0.0.2, 127.0.0.1     test entries: a list that works has the first and not the second (§5)

An answer in 127.255.255.0/24, 127.0.0.1 alone, or one outside 127.0.0.0/8 does not say "listed": the list refuses the
resolver, or is gone and its name is for sale. That, and no answer, is CANNOT_TELL, by which nobody is refused.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.trust.dnsblcodes import POLICY, REFUSALS, meaning
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import MAX_DOMAIN, Domain
from app.wire.smtp.address import IPAddress

MAX_EXPLANATION: Final = 500
MAX_CODES: Final = 16

_CODES: Final = ipaddress.IPv4Network("127.0.0.0/8")
_NO_CODE: Final = ipaddress.IPv4Address("127.0.0.1")
# RFC 5782 §5; a list of IPv6 addresses has the same tests in mapped form.
_TESTS: Final = ("127.0.0.2", "127.0.0.1"), ("::ffff:7f00:2", "::ffff:7f00:1")


class DnsblStatus(Enum):
    """What a list says."""

    LISTED = "listed"
    NOT_LISTED = "not listed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsblCode:
    """One answer of a list."""

    address: IPAddress
    meaning: str  # "" when it is not known

    def __str__(self) -> str:
        return f"{self.address} ({self.meaning})" if self.meaning else str(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsblResult:
    """What a list says of an address."""

    status: DnsblStatus
    zone: Domain
    codes: tuple[DnsblCode, ...] = ()
    explanation: str = ""  # the list's own words; from outside, printable ASCII
    problem: str = ""  # why it cannot be told

    @property
    def is_policy(self) -> bool:
        """Listed only as a network that should not send directly, such as home lines; nobody was seen sending junk."""
        return self.status is DnsblStatus.LISTED and all(code.meaning.startswith(POLICY) for code in self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsblHealth:
    """Whether a list can be believed, asked through this resolver."""

    is_healthy: bool
    problem: str = ""
    has_ipv6_only: bool = False  # it holds no IPv4 addresses


def question(ip: IPAddress, zone: Domain) -> str:
    """The name to ask for (RFC 5782 §2.1, §2.4)."""
    return f"{ip.reverse_pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone.ascii}"


async def check_dnsbl(resolver: Resolver, zone: Domain, ip: IPAddress) -> DnsblResult:
    """What a list says of an address."""
    ip = (ip.ipv4_mapped if ip.version == 6 else None) or ip
    result = await _ask(resolver, zone, ip)
    if result.status is not DnsblStatus.LISTED:
        return result
    return DnsblResult(
        status=result.status,
        zone=zone,
        codes=result.codes,
        explanation=await _explanation(resolver, question(ip, zone)),
    )


async def check_dnsbl_health(resolver: Resolver, zone: Domain) -> DnsblHealth:
    """Whether the test entries are as they must be, those of IPv6 where there are none of IPv4."""
    fault = await _test(resolver, zone, *_TESTS[0])
    if fault is None:
        return DnsblHealth(is_healthy=True)
    if fault.is_missing and await _test(resolver, zone, *_TESTS[1]) is None:
        return DnsblHealth(is_healthy=True, has_ipv6_only=True)
    return DnsblHealth(is_healthy=False, problem=fault.problem)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a list."""

    problem: str
    is_missing: bool = False  # the entry that must be there is not


async def _test(resolver: Resolver, zone: Domain, listed: str, unlisted: str) -> _Fault | None:
    """What is wrong with one pair of test entries."""
    must, must_not = ipaddress.ip_address(listed), ipaddress.ip_address(unlisted)
    for ip, expected in ((must, DnsblStatus.LISTED), (must_not, DnsblStatus.NOT_LISTED)):
        found = await _ask(resolver, zone, ip)
        if found.status is DnsblStatus.CANNOT_TELL:
            return _Fault(found.problem)
        if found.status is not expected:
            if expected is DnsblStatus.LISTED:
                return _Fault(f"the test entry {ip} is not listed: {zone} is no block list, or not one any more", True)
            return _Fault(f"{ip} is listed, and so would be every address: {zone} must not be used")
    return None


async def _ask(resolver: Resolver, zone: Domain, ip: IPAddress) -> DnsblResult:
    name = question(ip, zone)
    if len(name) > MAX_DOMAIN:
        return _cannot_tell(zone, (), "the name of the list is too long")
    try:
        found = (await resolver.ipv4(name)).records[:MAX_CODES]
    except LookupFailed as err:
        return _cannot_tell(zone, (), str(err))
    if not found:
        return DnsblResult(status=DnsblStatus.NOT_LISTED, zone=zone)
    codes = tuple(_code(zone, one) for one in sorted(found, key=int))
    for code in codes:
        if code.address in REFUSALS:
            return _cannot_tell(zone, codes, code.meaning)
        if code.address not in _CODES:
            problem = f"it answers {code.address}, as no block list does: the list is gone, or the resolver lies"
            return _cannot_tell(zone, codes, problem)
    listed = tuple(code for code in codes if code.address != _NO_CODE)
    if not listed:
        return _cannot_tell(zone, codes, f"it answers {_NO_CODE}, by which lists say that they do not answer you")
    return DnsblResult(status=DnsblStatus.LISTED, zone=zone, codes=listed)


def _code(zone: Domain, address: IPAddress) -> DnsblCode:
    known = meaning(zone.ascii, address) if isinstance(address, ipaddress.IPv4Address) else ""
    return DnsblCode(address=address, meaning=known)


def _cannot_tell(zone: Domain, codes: tuple[DnsblCode, ...], problem: str) -> DnsblResult:
    return DnsblResult(status=DnsblStatus.CANNOT_TELL, zone=zone, codes=codes, problem=problem)


async def _explanation(resolver: Resolver, name: str) -> str:
    """The words of the list; that there are none matters to nobody."""
    try:
        texts = (await resolver.txt(name)).records[:4]
    except LookupFailed:
        return ""
    text = b"; ".join(sorted(texts)).decode("ascii", "replace")
    return "".join(char if " " <= char <= "~" else "?" for char in text[:MAX_EXPLANATION])
