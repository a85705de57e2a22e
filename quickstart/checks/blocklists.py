"""Block lists: is an address of ours on one that others go by? (RFC 5782.)

A list is first asked about 127.0.0.2, which must be listed, and 127.0.0.1, which must not: resolvers that are shared by
many are refused or lied to. Answers in 127.255.255.0/24 say that the list does not answer this resolver; they do not
say "listed". Other addresses outside 127.0.0.0/8 are an operator's advertising and no answer at all.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from app.trust.lookup import LookupFailed
from app.wire.smtp.address import IPAddress
from quickstart.checks.addresses import outside_addresses
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, ok, printable
from quickstart.checks.providers import recognise

_CODES = ipaddress.ip_network("127.0.0.0/8")
_REFUSALS = ipaddress.ip_network("127.255.255.0/24")
_LISTED_TEST, _UNLISTED_TEST = ipaddress.ip_address("127.0.0.2"), ipaddress.ip_address("127.0.0.1")
_POLICY_CODES = frozenset(map(ipaddress.ip_address, ("127.0.0.10", "127.0.0.11")))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockList:
    """A list in DNS, and where to ask to be taken off."""

    zone: str
    name: str
    removal: str
    has_ipv6: bool = False


BLOCK_LISTS = (
    # "zen" is "sbl" and more: infected machines, and home lines, which are told from the rest by their codes.
    BlockList(zone="zen.spamhaus.org", name="Spamhaus", removal="https://check.spamhaus.org/", has_ipv6=True),
    BlockList(zone="bl.spamcop.net", name="SpamCop", removal="https://www.spamcop.net/bl.shtml"),
)


class _Health(Enum):
    """Whether a list can be believed."""

    GOOD = "good"
    REFUSED = "does not answer your resolver"
    WRONG = "gives wrong answers through your resolver"
    SILENT = "did not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """An address that is on a list."""

    ip: IPAddress
    by: BlockList
    codes: tuple[IPAddress, ...]

    @property
    def is_policy(self) -> bool:
        """Listed only as an address that should not send mail, such as a home line's."""
        return all(code in _POLICY_CODES for code in self.codes)

    def __str__(self) -> str:
        return f"{self.ip} on {self.by.name} ({', '.join(map(str, self.codes))})"


async def check(context: Context) -> Finding:
    """Ask each list about itself, then about each address."""
    try:
        ips = await outside_addresses(context)
    except LookupFailed as error:
        return dns_failed("the addresses of this machine", error.reason)
    if not ips:
        return _no_address()
    asked = await asyncio.gather(*(_health(context, one) for one in BLOCK_LISTS))
    healthy = [one for one, health in zip(BLOCK_LISTS, asked, strict=True) if health is _Health.GOOD]
    sick: dict[str, _Health] = {
        one.name: health for one, health in zip(BLOCK_LISTS, asked, strict=True) if health is not _Health.GOOD
    }
    if not healthy:
        return _none_usable(sick)
    try:
        pairs = [(ip, one) for one in healthy for ip in ips if ip.version == 4 or one.has_ipv6]
        found = [one for one in await asyncio.gather(*(_listing(context, *pair) for pair in pairs)) if one]
    except LookupFailed as error:
        return dns_failed("whether this machine is on a block list", error.reason)
    return await _judge(context, healthy, sick, found)


def question(ip: IPAddress, zone: str) -> str:
    """The name to ask for (RFC 5782 §2.1, §2.4)."""
    return f"{ip.reverse_pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


async def _codes(context: Context, ip: IPAddress, zone: str) -> tuple[IPAddress, ...]:
    return (await context.resolver.ipv4(question(ip, zone))).records


async def _health(context: Context, one: BlockList) -> _Health:
    try:
        must = await _codes(context, _LISTED_TEST, one.zone)
        must_not = await _codes(context, _UNLISTED_TEST, one.zone)
    except LookupFailed:
        return _Health.SILENT
    if any(code in _REFUSALS for code in (*must, *must_not)):
        return _Health.REFUSED
    return _Health.GOOD if any(code in _CODES for code in must) and not must_not else _Health.WRONG


async def _listing(context: Context, ip: IPAddress, by: BlockList) -> _Listing | None:
    codes = tuple(c for c in await _codes(context, ip, by.zone) if c in _CODES and c not in _REFUSALS)
    return _Listing(ip=ip, by=by, codes=codes) if codes else None


async def _judge(
    context: Context, healthy: Sequence[BlockList], sick: dict[str, _Health], found: Sequence[_Listing]
) -> Finding:
    facts = {"Asked": [one.name for one in healthy], "Not told": [f"{n}: {h.value}" for n, h in sick.items()]}
    if not found:
        left_out = f" ({listed(list(sick))} could not be asked.)" if sick else ""
        return ok(f"Not on the block lists of {listed([one.name for one in healthy])}.{left_out}", facts)
    facts["Listed"] = [str(one) for one in found]
    if all(one.is_policy for one in found):
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


def _none_usable(sick: dict[str, _Health]) -> Finding:
    words = listed([f"{name} {health.value}" for name, health in sick.items()])
    refused = _Health.REFUSED in sick.values() or _Health.WRONG in sick.values()
    return Finding(
        state=State.UNKNOWN,
        summary="The block lists could not be asked.",
        meaning=f"{words}. "
        + ("They turn away resolvers that many share; it does not mean that you are listed." if refused else ""),
        breaks="Nothing by itself. Later, incoming mail cannot be compared with block lists either.",
        fix="Use a resolver of your own (apt install unbound; see the row about the DNS resolver), then check again."
        if refused
        else "See the row about the DNS resolver, then check again.",
    )


def _no_address() -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary="No public address is known, so block lists could not be asked about it.",
        meaning="This machine has private addresses only, and DNS has none for the host name yet.",
        breaks="A listed address would only show when mail is refused.",
        fix="Publish your outer address in DNS, then check again; or look it up at https://check.spamhaus.org/",
    )
