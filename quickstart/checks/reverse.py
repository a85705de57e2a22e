"""Reverse DNS: each address has exactly one name, the host name, and the name leads back to the address.

Others judge a mail server by this before anything else (RFC 1912 §2.1 asks for it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from app.trust.lookup import LookupFailed
from app.wire.smtp.address import IPAddress
from quickstart.checks.addresses import outside_addresses
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, ok, printable
from quickstart.checks.providers import looks_like_home, recognise, reverse_panel


class _Fault(IntEnum):
    """The worst first."""

    MISSING = 0
    NOT_BACK = 1
    OTHER_NAME = 2
    SEVERAL = 3
    NONE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reverse:
    """An address and its names."""

    ip: IPAddress
    names: tuple[str, ...]
    fault: _Fault

    def __str__(self) -> str:
        return printable(f"{self.ip}: {', '.join(self.names) or 'no name'}")


async def check(context: Context) -> Finding:
    """The worst of what is found at our addresses."""
    try:
        ips = await outside_addresses(context)
        if not ips:
            return _no_address(context.question.hostname.ascii)
        found = await asyncio.gather(*(_ask(context, ip) for ip in ips))
    except LookupFailed as error:
        return dns_failed("the reverse names of this machine", error.reason)
    return _judge(context.question.hostname.ascii, found)


async def _ask(context: Context, ip: IPAddress) -> _Reverse:
    names = (await context.resolver.ptr(ip)).records
    return _Reverse(ip=ip, names=names, fault=await _fault(context, ip, names))


async def _fault(context: Context, ip: IPAddress, names: Sequence[str]) -> _Fault:
    if not names:
        return _Fault.MISSING
    if len(names) > 1:
        return _Fault.SEVERAL
    lookup = context.resolver.ipv4 if ip.version == 4 else context.resolver.ipv6
    if ip not in (await lookup(names[0])).records:
        return _Fault.NOT_BACK
    return _Fault.NONE if names[0] == context.question.hostname.ascii.lower() else _Fault.OTHER_NAME


def _judge(hostname: str, found: Sequence[_Reverse]) -> Finding:
    worst = min(found, key=lambda one: one.fault)
    facts = {"Reverse names": [str(one) for one in found]}
    names = [name for one in found for name in one.names]
    bad = [one for one in found if one.fault is worst.fault]
    wanted = listed([f"{one.ip} to {hostname}" for one in found if one.fault is not _Fault.NONE])
    fix = f"Set the reverse DNS (PTR) of {wanted}: {reverse_panel(recognise(names))}."
    if worst.fault is _Fault.NONE:
        return ok(f"{listed([one.ip for one in found])}: {hostname}, and back.", facts)
    if worst.fault is _Fault.MISSING:
        return _missing(bad, fix, facts)
    if worst.fault is _Fault.NOT_BACK:
        return _not_back(bad[0], hostname, fix, facts)
    if worst.fault is _Fault.SEVERAL:
        return _several(bad[0], fix, facts)
    return _other_name(bad[0], hostname, fix, facts)


def _missing(bad: Sequence[_Reverse], fix: str, facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"{listed([one.ip for one in bad])} {'has' if len(bad) == 1 else 'have'} no reverse name.",
        meaning="Asked in reverse, DNS has no name for the address. Serious mail servers have one.",
        breaks="Large providers, Gmail among them, refuse mail from such an address.",
        fix=fix,
        facts=facts,
    )


def _not_back(one: _Reverse, hostname: str, fix: str, facts: dict[str, list[str]]) -> Finding:
    name = printable(one.names[0])
    if one.names[0] == hostname.lower():
        fix = f"The reverse name is right. Publish the address of the name: {hostname}. "
        fix += f"{'A' if one.ip.version == 4 else 'AAAA'} {one.ip}"
    home = (
        " It looks like the name of a home line, which many servers refuse outright."
        if looks_like_home(one.names)
        else ""
    )
    return Finding(
        state=State.BAD,
        summary=f"The reverse name of {one.ip}, {name}, does not lead back to it.",
        meaning=f"The name must have the address in DNS, else anybody could claim any name.{home}",
        breaks="Large providers refuse mail from such an address or take it for junk.",
        fix=fix,
        facts=facts,
    )


def _several(one: _Reverse, fix: str, facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"{one.ip} has {len(one.names)} reverse names; it should have one.",
        meaning="Other servers look at one of them, and not always at the same.",
        breaks="Now and then mail is refused because the name they happen to see does not match.",
        fix=f"Keep only the host name. {fix}",
        facts=facts,
    )


def _other_name(one: _Reverse, hostname: str, fix: str, facts: dict[str, list[str]]) -> Finding:
    name = printable(one.names[0])
    home = looks_like_home(one.names)
    return Finding(
        state=State.WARN,
        summary=f"The reverse name of {one.ip} is {name}, not {hostname}.",
        meaning="It looks like the name of a home line." if home else "It is the name that the provider gave at first.",
        breaks="Many servers refuse mail from home lines." if home else "Some servers take your mail for junk.",
        fix=fix,
        facts=facts,
    )


def _no_address(hostname: str) -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary="No public address is known, so its reverse name could not be asked.",
        meaning="This machine has private addresses only, and DNS has none for the host name yet.",
        breaks="Without a right reverse name large providers refuse your mail.",
        fix=f"Publish your outer address as A record of {hostname}, then check again.",
    )
