"""Commands about DMARC: the record of a domain, the verdict on a message, and where reports may go."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument, ip_argument
from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.cli.messagefile import read_message
from app.errors import Refusal, WireError

if TYPE_CHECKING:
    from app.trust.dkim.result import SignatureResult
    from app.trust.dmarc.discovery import Discovered
    from app.trust.dmarc.evaluate import DmarcResult
    from app.trust.dmarc.record import DmarcRecord
    from app.trust.dmarc.reporting import Destination
    from app.trust.lookup import Resolver
    from app.trust.spf.result import SpfIdentity, SpfResult
    from app.wire.domain import Domain


def _parse(invocation: Invocation) -> int:
    from app.trust.dmarc.record import BadRecord, parse_record

    text = " ".join(invocation.expect(1, 1000))
    try:
        record = parse_record(text.encode("utf-8", "surrogateescape"))
    except BadRecord as err:
        raise Refusal(f"the record does not count: {one_line(str(err))}") from None
    _print(record)
    return 0


def _print(record: DmarcRecord) -> None:
    from app.trust.dmarc.record import Alignment, DmarcPolicy, Psd

    wishes = {DmarcPolicy.NONE: "nothing", DmarcPolicy.QUARANTINE: "treat it as junk", DmarcPolicy.REJECT: "refuse it"}
    alike = {Alignment.STRICT: "the very domain", Alignment.RELAXED: "the same organisation"}
    print(f"To be done with mail that is not the domain's own (p={record.policy.value}): {wishes[record.policy]}")
    print(f"  of names below it (sp={record.subdomain_policy.value}): {wishes[record.subdomain_policy]}")
    print(f"  of names that do not exist (np={record.nonexistent_policy.value}): {wishes[record.nonexistent_policy]}")
    print(f"DKIM must be of {alike[record.dkim_alignment]}, SPF of {alike[record.spf_alignment]}")
    if record.is_testing or record.percentage < 100:
        part = "being tried out (t=y)" if record.is_testing else f"for {record.percentage} of 100 messages (pct)"
        print(f"The policy is {part}; else the next milder one counts")
    if record.psd is not Psd.UNSAID:
        print("It says that it is " + ("a public suffix" if record.psd is Psd.YES else "an organisation") + " (psd)")
    for words, uris in (("Summaries", record.aggregate), ("Reports of single messages", record.failure)):
        print(f"{words} go to: {one_line(', '.join(one.uri for one in uris)) or 'nobody'}")
    if record.note:
        print(f"Note: {one_line(record.note)}")


async def _discover(resolver: Resolver, name: str) -> Discovered:
    from app.trust.dmarc.discovery import Tree

    return await Tree(resolver).discover(domain_argument(name))


def _lookup(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    found = ask_dns(lambda resolver: _discover(resolver, name))
    if found.published is None:
        print(f"Neither {found.author} nor a name above it has a DMARC record: anybody can write in its name")
        return 1
    where = found.published.domain.ascii
    print(f"_dmarc.{where}: {one_line(found.published.text)}  ({dnssec(found.published.is_authentic)})")
    if found.published.record is None:
        raise Refusal(one_line(found.published.fault))
    if found.published.domain != found.author:
        print(f"For {found.author} the policy is {found.policy.value}")
    _print(found.published.record)
    return 0


def _verify(invocation: Invocation) -> int:
    remote, mail_from, helo = invocation.expect(3)
    message = read_message("-")
    identity = _identity(remote, mail_from, helo)
    spf, signatures, dmarc = ask_dns(lambda resolver: _judge(resolver, message, identity))
    print(f"SPF {spf.status.value}: {one_line(spf.words(identity.ip))}")
    for one in signatures:
        print(one_line(f"DKIM {one.status.value}: {one.domain or 'unknown domain'}" + f" {one.reason}".rstrip()))
    print(one_line(f"DMARC {dmarc.status.value}: {dmarc.words}"))
    print(f"To be done: {dmarc.applied.value}")
    return 0 if dmarc.has_passed else 1


def _identity(remote: str, mail_from: str, helo: str) -> SpfIdentity:
    from app.trust.spf.result import SpfIdentity
    from app.wire.smtp.address import NULL_PATH, parse_address

    try:
        path = parse_address(mail_from.strip("<>")) if mail_from.strip("<>") else NULL_PATH
    except WireError as err:
        raise Refusal(f"{mail_from!r} is not an address: {err}") from None
    return SpfIdentity(ip=ip_argument(remote), helo=helo, mail_from=path)


async def _judge(
    resolver: Resolver, message: bytes, identity: SpfIdentity
) -> tuple[SpfResult, tuple[SignatureResult, ...], DmarcResult]:
    import time

    from app.trust.budget import Budget
    from app.trust.dkim.content import split_message
    from app.trust.dkim.verify import verify
    from app.trust.dmarc.authors import read_authors
    from app.trust.dmarc.evaluate import Proved, check_dmarc
    from app.trust.spf.evaluate import check_spf
    from app.trust.spf.result import SpfStatus

    budget = Budget(resolver)
    authors = read_authors(split_message(message)[0])
    spf = await check_spf(budget, identity)
    signatures = await verify(message, budget, now=int(time.time()), authors=authors.domains)
    proved = Proved(
        spf_domain=_domain_or_none(spf.domain),
        spf_passed=spf.status is SpfStatus.PASS,
        spf_is_unsure=spf.status is SpfStatus.TEMPERROR,
        signatures=signatures,
    )
    return spf, signatures, await check_dmarc(budget, authors, proved, sample=random.uniform(0, 100))


def _domain_or_none(name: str) -> Domain | None:
    from app.wire.domain import parse_domain

    try:
        return parse_domain(name)
    except WireError:
        return None


def _checkreportaddrs(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    domain = domain_argument(name).ascii
    destinations = ask_dns(lambda resolver: _destinations(resolver, domain))
    if not destinations:
        print(f"The record that applies to {domain} asks for no reports")
        return 0
    for one in destinations:
        print(one_line(f"{'yes' if one.may_send else 'no'}: {one.uri.uri}: {one.words}"))
    return 0 if all(one.may_send for one in destinations) else 1


async def _destinations(resolver: Resolver, name: str) -> list[Destination]:
    from app.trust.dmarc.reporting import check_destination

    published = (await _discover(resolver, name)).published
    if published is None or published.record is None:
        raise Refusal(one_line(published.fault) if published else f"no DMARC record applies to {name}")
    uris = dict.fromkeys((*published.record.aggregate, *published.record.failure))
    return [await check_destination(resolver, published.domain, uri) for uri in uris]


COMMANDS = (
    Command(
        words="dmarc parse",
        arguments="record",
        help="""Explain a DMARC record.

Nothing is looked up. Exit code 1 when the record does not count.

    mox dmarc parse "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"
""",
        run=_parse,
    ),
    Command(
        words="dmarc lookup",
        arguments="domain",
        help="""Print the DMARC record that applies to a domain.

Its own record, or else the one of a name above it, with what it means.

    mox dmarc lookup example.org
""",
        run=_lookup,
    ),
    Command(
        words="dmarc verify",
        arguments="remoteip mailfrom helodomain < message",
        help="""Judge a message by SPF, DKIM and DMARC.

As if it came from that address, with that sender ("" or <> for none) and that HELO name. The message is read from
standard input. Exit code 0 when DMARC passes.

    mox dmarc verify 192.0.2.1 jane@example.org mail.example.org < message.eml
""",
        run=_verify,
    ),
    Command(
        words="dmarc checkreportaddrs",
        arguments="domain",
        help="""Check that the addresses for a domain's DMARC reports take them.

An address of another domain only gets reports when that domain agrees in DNS. Exit code 1 when one does not.

    mox dmarc checkreportaddrs example.org
""",
        run=_checkreportaddrs,
    ),
)
