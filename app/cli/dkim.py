"""Commands about DKIM: the key of a selector, and the signatures of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument
from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.cli.messagefile import read_message
from app.errors import Refusal

if TYPE_CHECKING:
    from app.trust.dkim.record import KeyRecord
    from app.trust.dkim.result import SignatureResult
    from app.trust.lookup import Resolver


def _lookup(invocation: Invocation) -> int:
    from app.trust.dkim.record import choose_key
    from app.trust.dkim.result import Unusable

    selector, domain = (domain_argument(text) for text in invocation.expect(2))
    name = f"{selector.ascii}._domainkey.{domain.ascii}"
    answer = ask_dns(lambda resolver: resolver.txt(name))
    if not answer.records:
        print(f"There is no key: {name} has no TXT record ({dnssec(answer.authentic)})")
        return 1
    for record in answer.records:
        print(f"{one_line(record.decode('utf-8', 'replace'))}  ({dnssec(answer.authentic)})")
    try:
        key = choose_key(answer.records)
    except Unusable as err:
        raise Refusal(f"receivers cannot use it: {one_line(err.reason)}") from None
    print(*_lines(key), sep="\n")
    return 0


def _lines(key: KeyRecord) -> list[str]:
    """A key in words."""
    kinds = {"rsa": f"RSA, {key.bits} bits", "ed25519": "Ed25519"}
    lines = [f"Kind: {kinds[key.kind]}"]
    lines += [f"Hashes: {one_line(', '.join(key.hashes))} only"] * bool(key.hashes)
    lines += [f"Services: {one_line(', '.join(key.services))} only"] * ("*" not in key.services)
    lines += ["The domain only tries DKIM out (t=y)"] * key.is_testing
    lines += ["Not for names below the domain (t=s)"] * key.is_strict
    return lines


def _verify(invocation: Invocation) -> int:
    import time

    from app.trust.budget import Budget
    from app.trust.dkim.content import split_message
    from app.trust.dkim.verify import verify
    from app.trust.dmarc.authors import read_authors

    (name,) = invocation.expect(1)
    message = read_message(name)
    authors = read_authors(split_message(message)[0]).domains

    async def check(resolver: Resolver) -> tuple[SignatureResult, ...]:
        return await verify(message, Budget(resolver), now=int(time.time()), authors=authors)

    results = ask_dns(check)
    if not results:
        print("The message is not signed")
    for one in results:
        print(one_line(_line(one)))
    return 0 if any(one.has_passed for one in results) else 1


def _line(one: SignatureResult) -> str:
    of = [str(one.domain or "unknown domain"), f"selector {one.selector}" * bool(one.selector), one.algorithm]
    of.append(f"{one.key_bits} bits" * bool(one.key_bits))
    what = f"{one.status.value}: {', '.join(filter(None, of))} ({dnssec(one.is_authentic)})"
    return f"{what}: {one.reason}" if one.reason else what


COMMANDS = (
    Command(
        words="dkim lookup",
        arguments="selector domain",
        help="""Print the key that a domain publishes for a selector.

Shows the record, what kind of key it is, and what it may be used for, or why receivers cannot use it.

    mox dkim lookup 2026a example.org
""",
        run=_lookup,
    ),
    Command(
        words="dkim verify",
        arguments="file",
        help="""Verify the DKIM signatures of a message.

Takes a file, or - for standard input; bare newlines count as the line ends that mail has. Prints a line for each
signature, at most five of them. Exit code 0 when one of them passes.

    mox dkim verify message.eml
""",
        run=_verify,
    ),
)
