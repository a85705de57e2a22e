"""An SPF record in words, for the person who publishes it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from app.trust.spf.evaluate import MAX_TERMS
from app.trust.spf.macro import MacroString
from app.trust.spf.record import All, Exists, Hosts, Include, Mechanism, Network, Ptr, Qualifier, Record

_MEANING = {
    Qualifier.PASS: "may send",
    Qualifier.FAIL: "may not send",
    Qualifier.SOFTFAIL: "probably may not send",
    Qualifier.NEUTRAL: "nothing is said about",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A term and what it says."""

    term: str
    words: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A record, term by term, and what its owner may want to know."""

    lines: tuple[Line, ...]
    remarks: tuple[str, ...]


def explain(record: Record) -> Explained:
    """What a record says, in the order in which it is tried."""
    lines = [Line(one.text, _sentence(one.qualifier, _whom(one.mechanism))) for one in record.directives]
    if lines and record.directives[0].mechanism == All():
        lines[0] = Line(record.directives[0].text, _sentence(record.directives[0].qualifier, "everybody"))
    if record.redirect is not None:
        words = f"for everybody else the record of {record.redirect.text} decides"
        lines.append(Line(f"redirect={record.redirect.text}", words))
    if record.explanation is not None:
        words = f"the text at {record.explanation.text} explains a refusal"
        lines.append(Line(f"exp={record.explanation.text}", words))
    lines += [Line(f"{one.name}={one.value.text}", "unknown, and passed over") for one in record.others]
    return Explained(tuple(lines), tuple(_remarks(record)))


def _sentence(qualifier: Qualifier, whom: str) -> str:
    if qualifier is Qualifier.NEUTRAL:
        return f"{_MEANING[qualifier]} {whom}"
    return f"{whom} {_MEANING[qualifier]}"


def _whom(mechanism: Mechanism) -> str:
    match mechanism:
        case All():
            return "everybody else"
        case Network(network):
            return _addresses(network)
        case Include(target):
            return f"whoever may send by the record of {target.text}"
        case Hosts(of_mx, target):
            of = _name(target)
            around = "the networks around " if mechanism.prefix4 < 32 or mechanism.prefix6 < 128 else ""
            return f"{around}the mail servers (MX) of {of}" if of_mx else f"{around}the addresses of {of}"
        case Ptr(target):
            return f"addresses whose name is in {_name(target)}"
        case Exists(target):
            return f"those for whom {target.text} has an address"


def _name(target: MacroString | None) -> str:
    return target.text if target else "the domain"


def _addresses(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    first, last = network[0], network[-1]
    return f"{first}" if first == last else f"{first} to {last}"


def _remarks(record: Record) -> list[str]:
    found = []
    asking = sum(not isinstance(one.mechanism, All | Network) for one in record.directives) + (
        record.redirect is not None
    )
    if asking > MAX_TERMS:
        found.append(f"{asking} terms ask DNS, and {MAX_TERMS} are allowed: receivers will say permerror")
    mechanisms = [one.mechanism for one in record.directives]
    if All() in mechanisms:
        at = mechanisms.index(All())
        if at + 1 < len(mechanisms):
            found.append(f"what follows {record.directives[at].text} is never tried")
        if record.redirect is not None:
            found.append("redirect= does nothing beside all")
        if record.directives[at].qualifier is Qualifier.PASS:
            found.append("all without a sign lets the whole world send in your name")
    elif record.redirect is None:
        found.append("nothing is said about everybody else; end with -all or ~all to have forgeries refused")
    if any(isinstance(one, Ptr) for one in mechanisms):
        found.append("ptr is slow and not to be used any more (RFC 7208 §5.5)")
    return found
