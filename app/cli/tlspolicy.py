"""Commands about the TLS policies that domains publish: MTA-STS, and where TLS reports go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument
from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.errors import Refusal, WireError

if TYPE_CHECKING:
    from app.net.resolver import Resolver


def _mtasts(invocation: Invocation) -> int:
    from app.trust.mtasts import parse_record, records_of

    (name,) = invocation.expect(1)
    domain = domain_argument(name)
    answer = ask_dns(lambda resolver: resolver.txt(f"_mta-sts.{domain.ascii}"))
    found = records_of(answer.records)
    if not found:
        print(f"{domain} has no MTA-STS record ({dnssec(answer.authentic)}): mail to it may go without TLS")
        return 1
    for data in found:
        print(f"{one_line(data.decode('ascii', 'replace'))}  ({dnssec(answer.authentic)})")
    if len(found) > 1:
        raise Refusal(f"{domain} has {len(found)} MTA-STS records, so that none counts; make one of them")
    try:
        parse_record(found[0])
    except WireError as err:
        raise Refusal(f"the record does not count: {one_line(err.message)}") from None
    return _print_policy(ask_dns(lambda resolver: _fetch(resolver, domain.ascii)))


async def _fetch(resolver: Resolver, domain: str) -> bytes:
    from app.net.policyfetch import fetch_policy

    return await fetch_policy(resolver, domain)


def _print_policy(text: bytes) -> int:
    from app.trust.mtasts import Mode, parse_policy

    words = {
        Mode.ENFORCE: "servers that cannot prove who they are get no mail",
        Mode.TESTING: "mail goes in any case, and failures are reported",
        Mode.NONE: "the domain takes its policy back",
    }
    try:
        policy = parse_policy(text)
    except WireError as err:
        raise Refusal(f"the policy cannot be used: {one_line(err.message)}") from None
    print(f"mode: {policy.mode.value}: {words[policy.mode]}")
    for host in policy.hosts:
        print(f"mx: {one_line(host)}")
    print(f"max_age: {policy.max_age_s} seconds, about {policy.max_age_s / 86400:.0f} days")
    return 0


def _tlsrpt(invocation: Invocation) -> int:
    from app.trust.tlsrpt import lookup

    (name,) = invocation.expect(1)
    domain = domain_argument(name)
    asked = ask_dns(lambda resolver: lookup(resolver, domain))
    if asked.text:
        print(one_line(asked.text))
    if asked.fault:
        print(f"{domain} gets no TLS reports: {one_line(asked.fault)}")
        return 1
    for uri in asked.uris:
        print(f"Reports go to {one_line(uri.uri)}")
    return 0


COMMANDS = (
    Command(
        words="mtasts lookup",
        arguments="domain",
        help="""Show the MTA-STS policy of a domain: which servers may get its mail, and that TLS is a must.

Looks up the TXT record at _mta-sts and fetches the policy over HTTPS, as servers do before they send. Exit code 1 when
there is none, or when it does not count.

    mox mtasts lookup example.org
""",
        run=_mtasts,
    ),
    Command(
        words="tlsrpt lookup",
        arguments="domain",
        help="""Show where a domain wants reports about TLS of the mail that is sent to it (TLSRPT).

Exit code 1 when it asks for none, or its record does not count.

    mox tlsrpt lookup example.org
""",
        run=_tlsrpt,
    ),
)
