"""Does this network let mail out on port 25? Asked of three large providers, over each family of addresses.

Many hosters keep the port closed, and some answer it themselves: three providers that greet with one and the same name
are none of them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.trust.lookup import LookupFailed
from app.wire.smtp.address import IPAddress
from quickstart.checks.addresses import outside_addresses
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, not_asked, ok, printable
from quickstart.checks.providers import port_25_panel, recognise

LARGE_PROVIDERS = ("gmail.com", "outlook.com", "yahoo.com")
DIAL_S = 7.0
SMTP_PORT = 25
_GREETING_NAME = re.compile(r"220[ -](\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What came of one provider."""

    domain: str
    host: str = ""
    banner: str = ""
    reason: str = ""
    is_lookup: bool = False  # it failed in DNS, nobody was dialled

    @property
    def greeted(self) -> bool:
        """Whether a mail server said hello."""
        return self.banner.startswith("220")

    def __str__(self) -> str:
        return printable(f"{self.domain}: {self.banner or self.reason}")


def check_of(version: int) -> Callable[[Context], Awaitable[Finding]]:
    """The check over IPv4 or IPv6."""

    async def check(context: Context) -> Finding:
        if context.question.skip_dial:
            return not_asked(f"whether mail can go out over IPv{version}")
        if not any(ip.version == version for ip in context.machine.routes()):
            return _no_family(version)
        tries = await asyncio.gather(*(_try(context, domain, version) for domain in LARGE_PROVIDERS))
        return await _judge(context, version, tries)

    return check


async def _try(context: Context, domain: str, version: int) -> Try:
    """Dial the first mail exchanger that has an address of the family."""
    try:
        exchangers = sorted((await context.resolver.mx(domain)).records)
        for exchanger in exchangers[:3]:
            if ips := await _addresses(context, exchanger.host, version):
                dialled = await context.machine.dial(ips[0], SMTP_PORT, DIAL_S)
                return Try(domain=domain, host=exchanger.host, banner=dialled.banner, reason=dialled.reason)
    except LookupFailed as error:
        return Try(domain=domain, reason=f"DNS: {error.reason}", is_lookup=True)
    return Try(domain=domain, reason=f"no mail server with IPv{version} in DNS", is_lookup=True)


async def _addresses(context: Context, host: str, version: int) -> Sequence[IPAddress]:
    lookup = context.resolver.ipv4 if version == 4 else context.resolver.ipv6
    return (await lookup(host)).records


async def _judge(context: Context, version: int, tries: Sequence[Try]) -> Finding:
    facts = {"Answers": [str(one) for one in tries]}
    dialled = [one for one in tries if not one.is_lookup]
    greeted = [one for one in dialled if one.greeted]
    if not dialled:
        return dns_failed("the mail servers of large providers", tries[0].reason.removeprefix("DNS: "))
    if _is_one_voice(greeted):
        return _intercepted(version, greeted[0].banner, facts)
    if greeted:
        return ok(f"Mail can go out over IPv{version}: {listed([one.domain for one in greeted])} answered.", facts)
    if answered := [one for one in dialled if one.banner]:
        return _refused(version, answered, facts)
    return await _closed(context, version, facts)


def _is_one_voice(greeted: Sequence[Try]) -> bool:
    names = [match[1].lower() for one in greeted if (match := _GREETING_NAME.match(one.banner))]
    return len(names) > 1 and len(set(names)) == 1


def _no_family(version: int) -> Finding:
    if version == 6:
        return ok("No IPv6 here. Mail goes out over IPv4, which every server has.")
    return Finding(
        state=State.WARN,
        summary="No way out over IPv4.",
        meaning="This machine has no IPv4 address that leads into the world.",
        breaks="Mail to servers that have only IPv4 cannot be delivered.",
        fix="Rent an IPv4 address, or send through a relay (smarthost), which is set as a transport in mox.conf.",
    )


def _intercepted(version: int, banner: str, facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"Something in the network answers for everybody on port 25 over IPv{version}.",
        meaning=f"Different providers seem to greet with the same words ({printable(banner)}): your provider catches "
        "outgoing mail connections.",
        breaks="Mail goes through a server that is not yours, or nowhere; senders and signatures suffer.",
        fix="Ask the provider to stop catching outgoing port 25 for you, or send through a relay (smarthost).",
        facts=facts,
    )


def _refused(version: int, answered: Sequence[Try], facts: dict[str, list[str]]) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"Port 25 is open over IPv{version}, but {listed([one.domain for one in answered])} refused us.",
        meaning=f"The network lets mail out; the other side does not want this address: "
        f"{printable(answered[0].banner)}",
        breaks="Mail to these providers is refused.",
        fix="See the rows about reverse DNS and block lists; their texts name what must be right first.",
        facts=facts,
    )


async def _closed(context: Context, version: int, facts: dict[str, list[str]]) -> Finding:
    provider = recognise(await _reverse_names(context, version))
    relay = "Until then, or instead, send through a relay (smarthost): a transport in mox.conf."
    if version == 6:
        return Finding(
            state=State.WARN,
            summary="Port 25 is closed on the way out over IPv6.",
            meaning="None of three large providers could be reached over IPv6.",
            breaks="Mail is delayed: it is tried over IPv6 too, and only comes through over IPv4.",
            fix=f"{_sentence(port_25_panel(provider))} Or let mail go out over IPv4 only.",
            facts=facts,
        )
    return Finding(
        state=State.BAD,
        summary="Port 25 is closed on the way out: mail cannot be sent from here directly.",
        meaning="None of three large providers could be reached on port 25. Almost always the hoster has closed it, "
        "sometimes a firewall on this machine. Receiving mail is another matter and can work.",
        breaks="Mail to others stays in the queue and comes back after days.",
        fix=f"{_sentence(port_25_panel(provider))} {relay}",
        facts=facts,
    )


async def _reverse_names(context: Context, version: int) -> Sequence[str]:
    """Reverse names of our addresses, for a hint at the provider; the family's own address first."""
    names: list[str] = []
    try:
        for ip in sorted(await outside_addresses(context), key=lambda ip: ip.version != version)[:2]:
            names += (await context.resolver.ptr(ipaddress.ip_address(ip))).records
    except LookupFailed:
        pass
    return names


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
