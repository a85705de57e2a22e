"""The command that asks DNS, through the resolver that the server uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument, ip_argument
from app.cli.command import Command, Invocation, UsageError
from app.cli.listing import one_line

if TYPE_CHECKING:
    from app.net.resolver import Resolver
    from app.trust.lookup import Answer

_KINDS = ("ptr", "mx", "cname", "ips", "a", "aaaa", "ns", "txt", "srv", "tlsa")


def _lookup(invocation: Invocation) -> int:
    kind, name = invocation.expect(2)
    kind = kind.lower()
    if kind not in _KINDS:
        raise UsageError(f"{kind!r} is not one of {', '.join(_KINDS)}")
    asked = ip_argument(name).reverse_pointer if kind == "ptr" and _is_ip(name) else _ascii(name)
    answer = ask_dns(lambda resolver: _records(resolver, kind, asked))
    what = "address" if kind == "ips" else f"{kind.upper()} record"
    if not answer.records:
        why = "there are other records" if answer.exists else "the name does not exist"
        print(f"{one_line(name)} has no {what} ({why}; {dnssec(answer.authentic)})")
        return 1
    plural = "" if len(answer.records) == 1 else "es" if kind == "ips" else "s"
    alias = f", which is an alias of {one_line(answer.canonical)}" if answer.canonical != asked.lower() else ""
    print(f"{len(answer.records)} {what}{plural} of {one_line(name)}{alias} ({dnssec(answer.authentic)}):")
    for record in sorted(answer.records):
        print(f"- {one_line(record)}")
    return 0


async def _records(resolver: Resolver, kind: str, name: str) -> Answer[str]:
    from app.trust.lookup import Answer

    if kind == "ips":
        found = await resolver.addresses(name)
        texts = tuple(str(ip) for ip in found.records)
        return Answer(texts, found.canonical, found.authentic, found.exists)
    return await resolver.texts(name, kind.upper())


def _is_ip(text: str) -> bool:
    return ":" in text or (text[:1].isdigit() and text.count(".") == 3)


def _ascii(name: str) -> str:
    """A name as DNS has it; it need not be one of a host."""
    if name.isascii():
        return name.removesuffix(".")
    return domain_argument(name).ascii


COMMANDS = (
    Command(
        words="dns lookup",
        arguments="ptr|mx|cname|ips|a|aaaa|ns|txt|srv|tlsa name",
        help="""Ask DNS, and say whether DNSSEC vouches for the answer.

Asks the resolver that the server uses, so it shows what the server sees. "ips" are IPv4 and IPv6 addresses together;
for "ptr" the name is an IP address, for "tlsa" it is such as _25._tcp.mail.example.org. Exit code 1 when there is none.

    mox dns lookup mx example.org
    mox dns lookup ptr 192.0.2.1
""",
        run=_lookup,
    ),
)
