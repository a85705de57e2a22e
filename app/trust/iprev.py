"""The name of a client by reverse DNS, and whether that name leads back to it (iprev, RFC 8601 §3, §2.7.3).

At most ten names are looked at, one after the other, until one has the address of the client. A client without a name
is permerror, one whose names lead elsewhere is fail; what DNS did not tell is temperror, and never counts as either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.errors import WireError
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import IPAddress

MAX_NAMES: Final = 10


class IprevStatus(Enum):
    """The words of RFC 8601 §2.7.3."""

    PASS = "pass"
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True, kw_only=True)
class IprevResult:
    """What DNS says of a client."""

    status: IprevStatus
    name: Domain | None = None  # the one that leads back
    claimed: tuple[Domain, ...] = ()  # all that were looked at
    problem: str = ""  # in words, unless it is a pass
    is_authentic: bool = False  # DNSSEC vouched for all answers


async def check_iprev(resolver: Resolver, ip: IPAddress) -> IprevResult:
    """The confirmed name of a client, or why there is none."""
    ip = (ip.ipv4_mapped if ip.version == 6 else None) or ip
    try:
        answer = await resolver.ptr(ip)
    except LookupFailed as err:
        return IprevResult(status=IprevStatus.TEMPERROR, problem=str(err))
    claimed = _domains(answer.records[:MAX_NAMES])
    if not claimed:
        problem = f"{ip} has no name in reverse DNS"
        return IprevResult(status=IprevStatus.PERMERROR, problem=problem, is_authentic=answer.authentic)
    return await _confirmed(resolver, ip, claimed, answer.authentic)


async def _confirmed(resolver: Resolver, ip: IPAddress, claimed: tuple[Domain, ...], authentic: bool) -> IprevResult:
    ask = resolver.ipv4 if ip.version == 4 else resolver.ipv6
    failed = ""
    for name in claimed:
        try:
            found = await ask(name.ascii)
        except LookupFailed as err:
            failed, authentic = str(err), False
            continue
        authentic = authentic and found.authentic
        if ip in found.records:
            return IprevResult(status=IprevStatus.PASS, name=name, claimed=claimed, is_authentic=authentic)
    if failed:
        return IprevResult(status=IprevStatus.TEMPERROR, claimed=claimed, problem=failed)
    names = ", ".join(name.ascii for name in claimed[:3]) + (", ..." if len(claimed) > 3 else "")
    problem = f"the name of {ip} is {names}, which does not lead back to it"
    return IprevResult(status=IprevStatus.FAIL, claimed=claimed, problem=problem, is_authentic=authentic)


def _domains(names: tuple[str, ...]) -> tuple[Domain, ...]:
    """Those that can be names of hosts; reverse DNS may hold anything."""
    found = []
    for name in names:
        try:
            found.append(parse_domain(name.removesuffix(".")))
        except WireError:
            continue
    return tuple(found)
