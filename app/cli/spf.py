"""Commands about SPF: who may send mail for a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument, ip_argument
from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.errors import Refusal, WireError

if TYPE_CHECKING:
    from app.trust.spf.result import SpfResult
    from app.wire.smtp.address import ReversePath


def _parse(invocation: Invocation) -> int:
    text = " ".join(invocation.expect(1, 10_000))
    return _print_record(text.encode("utf-8", "surrogateescape"))


def _print_record(data: bytes) -> int:
    """Print a record in words; the exit code."""
    from app.trust.spf.record import parse_record
    from app.trust.spf.words import explain

    try:
        record = parse_record(data)
    except WireError as err:
        raise Refusal(f"the record cannot be used, and receivers will say permerror: {one_line(err.message)}") from None
    told = explain(record)
    width = min(max((len(line.term) for line in told.lines), default=0), 40)
    for line in told.lines:
        print(one_line(f"{line.term:<{width}}  {line.words}"))
    for remark in told.remarks:
        print(f"Note: {one_line(remark)}")
    return 0


def _lookup(invocation: Invocation) -> int:
    from app.trust.spf.record import spf_records

    (name,) = invocation.expect(1)
    domain = domain_argument(name)
    answer = ask_dns(lambda resolver: resolver.txt(domain.ascii))
    found = spf_records(answer.records)
    if not found:
        what = "has no SPF record" if answer.exists else "does not exist"
        print(f"{domain} {what} ({dnssec(answer.authentic)}): nothing says who may send for it")
        return 1
    for data in found:
        print(f"{one_line(data.decode('ascii', 'replace'))}  ({dnssec(answer.authentic)})")
    if len(found) > 1:
        raise Refusal(f"{domain} has {len(found)} SPF records, and receivers will say permerror; make one of them")
    return _print_record(found[0])


def _check(invocation: Invocation) -> int:
    from app.trust.budget import Budget
    from app.trust.spf.evaluate import check_spf
    from app.trust.spf.result import SpfIdentity, SpfStatus

    sender, ip_text = invocation.expect(2)
    ip = ip_argument(ip_text)
    path = _sender(sender)
    identity = SpfIdentity(ip=ip, helo=sender.rpartition("@")[2], mail_from=path)

    async def check(resolver: Budget) -> SpfResult:
        return await check_spf(resolver, identity)

    result = ask_dns(lambda resolver: check(Budget(resolver)))
    print(f"{result.status.value}: {one_line(result.words(ip))}")
    if result.mechanism:
        print(f"Decided by: {one_line(result.mechanism)} ({dnssec(result.is_authentic)})")
    if result.explanation:
        print(f"The domain explains: {one_line(result.explanation)}")
    return 0 if result.status is SpfStatus.PASS else 1


def _sender(text: str) -> ReversePath:
    """An address, or any at a domain."""
    from app.wire.smtp.address import Address

    localpart, _, domain = text.rpartition("@")
    return Address(localpart or "postmaster", domain_argument(domain))


COMMANDS = (
    Command(
        words="spf lookup",
        arguments="domain",
        help="""Show the SPF record of a domain, and in words who may send for it.

    mox spf lookup example.org
""",
        run=_lookup,
    ),
    Command(
        words="spf check",
        arguments="domain|address ip",
        help="""Check whether an IP address may send mail for a domain.

Follows the record as a receiving server does, and says which part of it decided. Exit code 0 for a pass, else 1.

    mox spf check example.org 192.0.2.1
""",
        run=_check,
    ),
    Command(
        words="spf parse",
        arguments="record",
        help="""Explain an SPF record in words, before it is published.

Asks nobody. Exit code 1 when the record has a fault.

    mox spf parse "v=spf1 mx ip4:192.0.2.0/24 -all"
""",
        run=_parse,
    ),
)
