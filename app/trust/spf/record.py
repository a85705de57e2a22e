"""An SPF record as values: who may send, in the order in which it is tried (RFC 7208 §4.5, §4.6.1, §5, §6, §12).

    record    = "v=spf1" *( 1*SP ( directive / modifier ) ) *SP
    directive = [ "+" / "-" / "?" / "~" ] mechanism
    modifier  = "redirect=" domain-spec / "exp=" domain-spec / name "=" macro-string

`parse_record` raises WireError for the first fault anywhere in the record, as a record with a fault says nothing at
all (RFC 7208 §4.6). Records of large senders are met again and again, so parsed ones are kept.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, TypeVar

from app.errors import WireError
from app.trust.spf.macro import MacroString, parse_domain_spec, parse_macro_string

MAX_RECORD: Final = 16 * 1024
MAX_KEPT: Final = (
    1024  # bytes of a record whose parsed form is kept: large senders' are smaller, hostile ones may not be
)

T = TypeVar("T")

_VERSION = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


class Qualifier(Enum):
    """What a match means."""

    PASS = "+"
    FAIL = "-"
    SOFTFAIL = "~"
    NEUTRAL = "?"


@dataclass(frozen=True, slots=True)
class All:
    """Everybody."""


@dataclass(frozen=True, slots=True)
class Include:
    """Whom another domain lets pass."""

    target: MacroString


@dataclass(frozen=True, slots=True)
class Hosts:
    """The addresses of a name (`a`), or of its mail exchangers (`mx`), with the networks around them."""

    of_mx: bool
    target: MacroString | None  # None is the domain itself
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True)
class Ptr:
    """Addresses whose name is below a domain; slow and not to be used (RFC 7208 §5.5)."""

    target: MacroString | None


@dataclass(frozen=True, slots=True)
class Network:
    """`ip4` or `ip6`."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Exists:
    """Matches when a name, made for this message, has an address."""

    target: MacroString


Mechanism = All | Include | Hosts | Ptr | Network | Exists


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism and what its match means; `text` is how it is written."""

    qualifier: Qualifier
    mechanism: Mechanism
    text: str


@dataclass(frozen=True, slots=True)
class Modifier:
    """A modifier that this standard does not know; it must be well-formed and does nothing."""

    name: str
    value: MacroString


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record without faults."""

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None
    others: tuple[Modifier, ...] = ()


def is_spf(data: bytes) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 §4.5)."""
    return _VERSION.match(data) is not None


def spf_records(records: Sequence[bytes]) -> tuple[bytes, ...]:
    """Those of the TXT records that are SPF."""
    return tuple(data for data in records if is_spf(data))


def parse_record(data: bytes) -> Record:
    """The record; raises WireError with what is wrong in words."""
    return _parse_again(data) if len(data) <= MAX_KEPT else _parse(data)


def _parse(data: bytes) -> Record:
    if not is_spf(data):
        raise WireError('an SPF record begins with "v=spf1 "', 0)
    if len(data) > MAX_RECORD:
        raise WireError(f"longer than {MAX_RECORD} bytes", MAX_RECORD)
    if not data.isascii():
        raise WireError("not only ASCII characters", next(at for at, byte in enumerate(data) if byte > 127))
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    others: list[Modifier] = []
    for term in data.decode("ascii")[len("v=spf1") :].split(" "):
        if not term:
            continue
        if match := _MODIFIER.fullmatch(term):
            _add_modifier(match[1].lower(), match[2], modifiers, others)
        else:
            directives.append(_directive(term))
    return Record(
        directives=tuple(directives),
        redirect=modifiers.get("redirect"),
        explanation=modifiers.get("exp"),
        others=tuple(others),
    )


_parse_again = lru_cache(maxsize=128)(_parse)


def _add_modifier(name: str, value: str, known: dict[str, MacroString], others: list[Modifier]) -> None:
    if name not in ("redirect", "exp"):
        others.append(Modifier(name, parse_macro_string(value)))
    elif name in known:
        raise WireError(f"{name}= stands there twice")  # RFC 7208 §6
    else:
        known[name] = _explained(f"{name}={value}", lambda: parse_domain_spec(value))


def _directive(term: str) -> Directive:
    match = _DIRECTIVE.fullmatch(term)
    parser = _PARSERS.get(match[2].lower()) if match else None
    if match is None or parser is None:
        raise WireError(f"{term[:80]!r} is no mechanism of SPF")
    qualifier, rest = Qualifier(match[1] or "+"), match[3]
    return Directive(qualifier, _explained(term, lambda: parser(rest)), term)


def _explained(term: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except WireError as err:
        raise WireError(f"{term[:80]!r}: {err.message}") from None


def _all(rest: str) -> Mechanism:
    if rest:
        raise WireError("nothing may follow all")
    return All()


def _required(rest: str) -> MacroString:
    if not rest.startswith(":"):
        raise WireError("a colon and a domain are missing")
    return parse_domain_spec(rest[1:])


def _optional(rest: str) -> MacroString | None:
    return _required(rest) if rest else None


def _hosts(rest: str, of_mx: bool) -> Mechanism:
    # A slash may be part of a macro or of a name, so the lengths are looked for at the end.
    start = max(rest.rfind("}"), len(rest) - 8, 0)
    match = _DUAL_CIDR.search(rest, start)
    assert match is not None  # both lengths may be absent
    prefix4, prefix6 = int(match[1] or 32), int(match[2] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise WireError("a prefix is at most 32 bits long for IPv4 and 128 for IPv6")
    return Hosts(of_mx, _optional(rest[: match.start()]), prefix4, prefix6)


def _network(rest: str, version: int) -> Mechanism:
    text, slash, bits = rest.removeprefix(":").partition("/")
    longest = 32 if version == 4 else 128
    if slash and (not _PREFIX.fullmatch(bits) or int(bits) > longest):
        raise WireError(f"a prefix is a number from 0 to {longest}")
    length = int(bits) if slash else longest
    try:
        if not rest.startswith(":") or "%" in text:
            raise ValueError
        if version == 4:
            return Network(ipaddress.IPv4Network((text, length), strict=False))
        return Network(ipaddress.IPv6Network((text, length), strict=False))
    except ValueError:
        raise WireError(f"not an IPv{version} address") from None


_PARSERS: Final[dict[str, Callable[[str], Mechanism]]] = {
    "all": _all,
    "include": lambda rest: Include(_required(rest)),
    "a": lambda rest: _hosts(rest, of_mx=False),
    "mx": lambda rest: _hosts(rest, of_mx=True),
    "ptr": lambda rest: Ptr(_optional(rest)),
    "ip4": lambda rest: _network(rest, 4),
    "ip6": lambda rest: _network(rest, 6),
    "exists": lambda rest: Exists(_required(rest)),
}
