"""Commands about block lists in DNS."""

from __future__ import annotations

from app.cli.asking import ask_dns, domain_argument, ip_argument
from app.cli.command import Command, Invocation
from app.cli.listing import one_line


def _check(invocation: Invocation) -> int:
    from app.trust.dnsbl import DnsblStatus, check_dnsbl

    zone_text, ip_text = invocation.expect(2)
    zone, ip = domain_argument(zone_text), ip_argument(ip_text)
    result = ask_dns(lambda resolver: check_dnsbl(resolver, zone, ip))
    if result.status is DnsblStatus.CANNOT_TELL:
        print(f"cannot tell: {one_line(result.problem)}")
        return 1
    print(f"{ip} is {result.status.value} in {zone}")
    for code in result.codes:
        print(f"- {code}")
    if result.explanation:
        print(f"The list says: {one_line(result.explanation)}")
    return 1 if result.status is DnsblStatus.LISTED else 0


def _checkhealth(invocation: Invocation) -> int:
    from app.trust.dnsbl import check_dnsbl_health

    (zone_text,) = invocation.expect(1)
    zone = domain_argument(zone_text)
    health = ask_dns(lambda resolver: check_dnsbl_health(resolver, zone))
    if not health.is_healthy:
        print(f"{zone} cannot be used: {one_line(health.problem)}")
        return 1
    print(f"{zone} works{', for IPv6 addresses only' if health.has_ipv6_only else ''}")
    return 0


COMMANDS = (
    Command(
        words="dnsbl check",
        arguments="zone ip",
        help="""Ask a block list about an IP address.

Prints what the answer means where the list is known, and the list's own words. Exit code 0 when the address is not
listed, 1 when it is or when it cannot be told: many lists do not answer public resolvers.

    mox dnsbl check bl.spamcop.net 192.0.2.1
""",
        run=_check,
    ),
    Command(
        words="dnsbl checkhealth",
        arguments="zone",
        help="""Check whether a block list works, asked through the resolver of this machine.

A list that works has 127.0.0.2 as a test and not 127.0.0.1. Exit code 1 when it cannot be used.

    mox dnsbl checkhealth bl.spamcop.net
""",
        run=_checkhealth,
    ),
)
