"""Commands about the DNS of a domain: the records to publish, and whether they and the hosts are as they should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.cli.command import Command, Invocation
from app.errors import Refusal, WireError

if TYPE_CHECKING:
    from app.config.live import Live
    from app.operations.dnscheck.findings import DomainCheck
    from app.wire.domain import Domain


def _open(invocation: Invocation) -> tuple[Live, Domain]:
    """The configuration, and the domain that was named."""
    from app.config.live import Live
    from app.wire.domain import parse_domain

    (name,) = invocation.expect(1)
    live = Live.open(invocation.config_path)
    try:
        domain = parse_domain(name)
    except WireError as err:
        raise Refusal(f"{name!r} is not a domain: {err}") from None
    if domain not in live.dynamic.domains:
        known = ", ".join(sorted(str(one) for one in live.dynamic.domains)) or "none"
        raise Refusal(f"{domain} is not in domains.conf; domains there: {known}")
    return live, domain


def _dnsrecords(invocation: Invocation) -> int:
    import asyncio

    from app.operations.dnsrecords import files_below, host_of, records, zone_file

    live, domain = _open(invocation)
    keys = files_below(live.config_dir)
    wanted = records(live.static, live.dynamic, domain, host_of(live.static, keys), keys)
    sys.stdout.write(zone_file(wanted, has_dnssec=asyncio.run(_has_dnssec(domain))))
    return 0


async def _has_dnssec(domain: Domain) -> bool:
    """Whether the domain is signed, as far as the resolver can tell."""
    from app.net.resolver import Resolver
    from app.trust.lookup import LookupFailed

    resolver = Resolver()
    try:
        return (await resolver.ns(domain.ascii)).authentic
    except LookupFailed as err:
        print(f"Cannot tell whether the domain is signed with DNSSEC: {err.reason}", file=sys.stderr)
        return False
    finally:
        resolver.close()


def _dnscheck(invocation: Invocation) -> int:
    import asyncio

    live, domain = _open(invocation)
    found = asyncio.run(_check(live, domain))
    for part in found.parts:
        if part.is_fine:
            continue
        print(f"# {part.part.value}")
        print(*(f"Error: {text}" for text in part.errors), sep="\n", end="\n" if part.errors else "")
        print(*(f"Warning: {text}" for text in part.warnings), sep="\n", end="\n" if part.warnings else "")
        print(*(f"- {text}" for text in part.instructions), sep="\n", end="\n\n" if part.instructions else "\n")
    if found.is_fine:
        print(f"Everything about {domain} is as it should be.")
    return 1 if any(part.errors for part in found.parts) else 0


async def _check(live: Live, domain: Domain) -> DomainCheck:
    from app.net.authority import AuthoritativeServers
    from app.net.resolver import Resolver
    from app.operations.dnscheck.check import check_domain
    from app.operations.dnscheck.dialling import HostDialler
    from app.operations.dnscheck.findings import Network
    from app.operations.dnsrecords import files_below

    resolver = Resolver()
    authority = AuthoritativeServers(resolver)
    dialler = HostDialler(hostname=live.static.hostname.ascii)
    network = Network(resolver=resolver, authority=authority, dialler=dialler)
    try:
        return await check_domain(live.static, live.dynamic, domain, files_below(live.config_dir), network)
    finally:
        authority.close()
        resolver.close()


COMMANDS = (
    Command(
        words="config dnsrecords",
        arguments="domain",
        help="""Print the DNS records that a domain should publish.

As lines of a zone file, with what each is for. Records that only count in a zone that is signed with DNSSEC, and
reverse names, which are set where the addresses are rented, are comments.

    mox config dnsrecords example.org
""",
        run=_dnsrecords,
    ),
    Command(
        words="config dnscheck",
        arguments="domain",
        help="""Check the DNS records and the hosts of a domain.

Asks the name servers of the domain themselves, connects to the mail hosts and to the web server, and prints what is
wrong (Error), what could be better (Warning) and what to do. Parts without either are not printed. Takes 30 seconds at
most. Exit code 1 when there is an error.

    mox config dnscheck example.org
""",
        run=_dnscheck,
    ),
)
