"""What the resolver of this machine says, in the shape of a name server's answer.

For networks that let no questions through to name servers. The resolver may still show what was there before, so the
caller says whose word it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.reversename

from app.net.authority import Outcome, Said
from app.operations.dnsrecords import Record
from app.trust.lookup import Answer, LookupFailed, Mx, Resolver, Tlsa
from app.wire.smtp.address import IPAddress

THIS_RESOLVER = "the resolver of this machine"


async def ask_resolver(resolver: Resolver, record: Record) -> list[Said]:
    """One answer, or none for types that the resolver cannot be asked for."""
    try:
        answer, texts = await _look(resolver, record)
    except LookupFailed:
        return []
    if answer is None:
        return []
    outcome = Outcome.RECORDS if texts else Outcome.NOTHING if answer.exists else Outcome.NO_NAME
    return [Said(server=THIS_RESOLVER, outcome=outcome, records=tuple(texts))]


async def _look(resolver: Resolver, record: Record) -> tuple[Answer[object] | None, Sequence[str]]:
    name = record.name
    match record.type:
        case "TXT":
            found = await resolver.txt(name)
            return _any(found), [text.decode("utf-8", "backslashreplace") for text in found.records]
        case "MX":
            exchangers: Answer[Mx] = await resolver.mx(name)
            return _any(exchangers), [f"{one.preference} {one.host}." for one in exchangers.records]
        case "TLSA":
            keys: Answer[Tlsa] = await resolver.tlsa(name)
            texts = [f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in keys.records]
            return _any(keys), texts
        case "A" | "AAAA":
            ips = await (resolver.ipv4(name) if record.type == "A" else resolver.ipv6(name))
            return _any(ips), [str(ip) for ip in ips.records]
        case "CNAME":
            end = await resolver.addresses(name)
            alias = [f"{end.canonical}."] if end.canonical != name else [f"A {ip}" for ip in end.records]
            return _any(end), alias
        case "PTR" if (ip := _reversed(name)) is not None:
            names = await resolver.ptr(ip)
            return _any(names), [f"{one}." for one in names.records]
    return None, ()


def _reversed(name: str) -> IPAddress | None:
    """The address that a name below in-addr.arpa or ip6.arpa stands for."""
    try:
        return ip_address(dns.reversename.to_address(dns.name.from_text(name)))
    except (dns.exception.DNSException, ValueError):
        return None


def _any(answer: object) -> Answer[object]:
    assert isinstance(answer, Answer)
    return answer
