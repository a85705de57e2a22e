"""Block lists: is an address of ours on one that others go by? (RFC 5782.)

What an answer means, and whether a list can be believed through this resolver, is `trust/dnsbl`; here it becomes words
for somebody who sets up a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.trust.dnsbl import DnsblResult, DnsblStatus, check_dnsbl, check_dnsbl_health
from app.trust.lookup import LookupFailed
from app.wire.domain import Domain
from app.wire.smtp.address import IPAddress
from quickstart.checks.addresses import outside_addresses
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, ok, printable
from quickstart.checks.providers import recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockList:
    """A list in DNS, and where to ask to be taken off."""

    zone: Domain
    name: str
    removal: str
    has_ipv6: bool = False


BLOCK_LISTS = (
    BlockList(zone=Domain("zen.spamhaus.org"), name="Spamhaus", removal="https://check.spamhaus.org/", has_ipv6=True),
    BlockList(zone=Domain("bl.spamcop.net"), name="SpamCop", removal="https://www.spamcop.net/bl.shtml"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """An address that is on a list."""

    ip: IPAddress
    by: BlockList
    result: DnsblResult

    def __str__(self) -> str:
        return f"{self.ip} on {self.by.name} ({', '.join(map(str, self.result.codes))})"


async def check(context: Context) -> Finding:
    """Ask each list about itself, then about each address."""
    try:
        ips = await outside_addresses(context)
    except LookupFailed as error:
        return dns_failed("the addresses of this machine", error.reason)
    if not ips:
        return _no_address()
    asked = await asyncio.gather(*(check_dnsbl_health(context.resolver, one.zone) for one in BLOCK_LISTS))
    healthy = [one for one, health in zip(BLOCK_LISTS, asked, strict=True) if health.is_healthy]
    sick = {one.name: health.problem for one, health in zip(BLOCK_LISTS, asked, strict=True) if not health.is_healthy}
    if not healthy:
        return _none_usable(sick)
    pairs = [(ip, one) for one in healthy for ip in ips if ip.version == 4 or one.has_ipv6]
    found = await asyncio.gather(*(_ask(context, *pair) for pair in pairs))
    sick |= {one.by.name: one.result.problem for one in found if one.result.status is DnsblStatus.CANNOT_TELL}
    told = [one.name for one in healthy if one.name not in sick]
    return await _judge(context, told, sick, [one for one in found if one.result.status is DnsblStatus.LISTED])


async def _ask(context: Context, ip: IPAddress, by: BlockList) -> _Listing:
    return _Listing(ip=ip, by=by, result=await check_dnsbl(context.resolver, by.zone, ip))


async def _judge(context: Context, told: Sequence[str], sick: dict[str, str], found: Sequence[_Listing]) -> Finding:
    facts = {"Asked": list(told), "Not told": [f"{name}: {problem}" for name, problem in sick.items()]}
    if not found and not told:
        return _none_usable(sick)
    if not found:
        left_out = f" ({listed(list(sick))} could not be asked.)" if sick else ""
        return ok(f"Not on the block lists of {listed(told)}.{left_out}", facts)
    facts["Listed"] = [str(one) for one in found]
    if all(one.result.is_policy for one in found):
        return _policy(found, facts)
    provider = await _provider(context, found[0].ip)
    return Finding(
        state=State.BAD,
        summary=f"On a block list: {listed([f'{one.ip} at {one.by.name}' for one in found])}.",
        meaning="Somebody sent junk from this address, often its previous tenant.",
        breaks="Many servers refuse your mail as long as it is listed.",
        fix=f"Read why and ask to be taken off at {listed(list(dict.fromkeys(one.by.removal for one in found)))}; or "
        f"ask {provider} for another address, which is quicker when the previous tenant earned it.",
        facts=facts,
    )


async def _provider(context: Context, ip: IPAddress) -> str:
    try:
        provider = recognise((await context.resolver.ptr(ip)).records)
    except LookupFailed:
        provider = None
    return printable(provider.name) if provider else "your provider"


def _policy(found: Sequence[_Listing], facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"{listed([one.ip for one in found])} counts as an address that should not send mail.",
        meaning="The list has whole networks of home lines and of hosters who say that no mail server is there. "
        "Nobody accuses you of anything.",
        breaks="Many servers refuse mail that comes directly from this address.",
        fix=f"With a fixed address of your own you can take it off the list yourself: {found[0].by.removal}. On a home "
        "line without one, send through a relay (smarthost).",
        facts=facts,
    )


def _none_usable(sick: dict[str, str]) -> Finding:
    words = ". ".join(f"{name}: {problem}" for name, problem in sick.items())
    return Finding(
        state=State.UNKNOWN,
        summary="The block lists could not be asked.",
        meaning=f"{words}. Lists turn away resolvers that many share; it does not mean that you are listed.",
        breaks="Nothing by itself. Later, incoming mail cannot be compared with block lists either.",
        fix="Use a resolver of your own (apt install unbound; see the row about the DNS resolver), then check again.",
    )


def _no_address() -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary="No public address is known, so block lists could not be asked about it.",
        meaning="This machine has private addresses only, and DNS has none for the host name yet.",
        breaks="A listed address would only show when mail is refused.",
        fix="Publish your outer address in DNS, then check again; or look it up at https://check.spamhaus.org/",
    )
