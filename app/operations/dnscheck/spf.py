"""SPF records as far as they can be compared: terms, what is missing, and one record out of two (RFC 7208).

`merge` keeps everything of a record that is there and puts our addresses in front, as a domain may have one record only
(RFC 7208 §3.2). `passes` follows `ip4`, `ip6`, `a`, `mx` and `all` for one address; a record with `include`, `redirect`
or anything else that comes before is UNSURE. Evaluation in full is not here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from enum import Enum

from app.trust.lookup import Resolver
from app.wire.smtp.address import IPAddress

VERSION = "v=spf1"
MAX_TERMS = 100
MAX_MX = 10  # RFC 7208 §4.6.4
_QUALIFIERS = "+-~?"


class Passing(Enum):
    """What a record says of an address."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 §4.5)."""
    return text.lower() == VERSION or text.lower().startswith(VERSION + " ")


def terms(text: str) -> list[str]:
    """The terms after the version, in lower case."""
    return text.lower().split(None, MAX_TERMS)[1 : MAX_TERMS + 1]


def mechanisms(text: str) -> list[str]:
    """The terms that name senders, without `all`, modifiers and a plus that means nothing."""
    plain = [term.removeprefix("+") for term in terms(text)]
    return [term for term in plain if not _is_all(term) and "=" not in term.partition(":")[0]]


def missing(wanted: str, found: str) -> list[str]:
    """The mechanisms that are wanted and not there."""
    have = {_normal(term) for term in mechanisms(found)}
    return [term for term in mechanisms(wanted) if _normal(term) not in have]


def others(wanted: str, found: str) -> list[str]:
    """The mechanisms and modifiers of a record that we did not ask for."""
    ours = {_normal(term) for term in mechanisms(wanted)}
    return [term for term in terms(found) if not _is_all(term) and _normal(term.removeprefix("+")) not in ours]


def merge(wanted: str, found: str) -> str:
    """One record that lets pass whom either lets pass, as strict at the end as the one that is there."""
    rest = [term for term in terms(found) if not _is_all(term)]
    end = [term for term in terms(found) if _is_all(term)][:1]
    if not end and not any(term.startswith("redirect=") for term in rest):
        end = ["~all"]
    if end in (["all"], ["+all"]):
        end = ["~all"]  # "all" alone lets the whole world pass
    return " ".join([VERSION, *missing(wanted, found), *rest, *end])


async def passes(resolver: Resolver, domain: str, text: str, ip: IPAddress) -> Passing:
    """Whether mail from an address passes; raises LookupFailed."""
    for term in terms(text):
        qualifier = term[0] if term[0] in _QUALIFIERS else "+"
        match = await _matches(resolver, domain, term.lstrip(_QUALIFIERS), ip)
        if match is Passing.UNSURE:
            return match
        if match is Passing.YES:
            return Passing.YES if qualifier == "+" else Passing.NO
    return Passing.NO


async def _matches(resolver: Resolver, domain: str, term: str, ip: IPAddress) -> Passing:
    name, colon, value = term.partition(":")
    if term == "all":
        return Passing.YES
    if name in ("ip4", "ip6"):
        return _yes(_in_network(ip, value))
    if term in ("a", "mx") or (name in ("a", "mx") and colon and "%" not in value and "/" not in value):
        host = value or domain
        hosts = [host] if name == "a" else [mx.host for mx in (await resolver.mx(host)).records[:MAX_MX]]
        return _yes(await _has_address(resolver, hosts, ip))
    return Passing.UNSURE


def _yes(matched: bool) -> Passing:
    return Passing.YES if matched else Passing.NO


async def _has_address(resolver: Resolver, hosts: Sequence[str], ip: IPAddress) -> bool:
    for host in hosts:
        if host and ip in (await resolver.addresses(host)).records:
            return True
    return False


def _in_network(ip: IPAddress, text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return ip.version == network.version and ip in network


def _is_all(term: str) -> bool:
    return term.lstrip(_QUALIFIERS) == "all"


def _normal(term: str) -> str:
    """A mechanism such that equal ones have equal text: addresses are written in several ways."""
    name, _, value = term.partition(":")
    if name not in ("ip4", "ip6"):
        return term
    try:
        return f"ip:{ipaddress.ip_network(value, strict=False)}"
    except ValueError:
        return term


def is_same(wanted: str, found: str) -> bool:
    """Whether a record lets all of ours pass and ends as one should; what else it allows is its owner's decision."""
    return not missing(wanted, found) and _end(found) in ("~all", "-all")


def _end(text: str) -> str:
    return next((term for term in terms(text) if _is_all(term)), "")
