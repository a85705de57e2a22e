"""Whose message it says it is: the domains of the From field, as DMARC needs them (RFC 7489 §6.6.1, RFC 9989 §5.3.1).

Exactly one From field with addresses of one domain is what passes. Everything else has a `fault` in words, and all
domains that a reader could take for the author's are listed, so that the strictest of their policies can be asked for.
Text in quotes or comments is a name and not an address, whatever it looks like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from app.errors import WireError
from app.wire.domain import Domain, parse_domain
from app.wire.message.addresses import AddressGroup, HeaderAddress, mailboxes, parse_addresses
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_fields, has_open_comment, strip_comments
from app.wire.smtp.address import Address, parse_address, write_localpart

MAX_FIELDS = 5  # looked at; one is right
MAX_NAMES = 50  # that are looked at
MAX_DISPLAYED = 1000  # characters of a display name
MAX_DOMAINS = 4  # whose policies are asked for

_QUOTED = re.compile(r'(\\.)|"[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
_AFTER_AT = re.compile(r"@\s*([^\s<>()@,;:\"\\\[\]]{1,253})")
_ENCODED = re.compile(r"=\?[^\s?]+\?[BbQq]\?[^\s?]*\?=")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authors:
    """What From says."""

    domains: tuple[Domain, ...] = ()
    address: Address | None = None  # when there is a single one
    fault: str = ""  # why it cannot pass; empty when it can
    has_more: bool = False  # domains than are listed
    shown_as: Domain | None = None  # of an address that stands in the place of a name, and is another's

    @property
    def domain(self) -> Domain | None:
        """The author's domain, when there is no doubt about it."""
        return self.domains[0] if self.domains and not self.fault else None


def read_authors(header: bytes) -> Authors:
    """From a header section; never raises."""
    values = find_fields(header, "From")
    fault = "" if len(values) == 1 else f"the message has {len(values) or 'no'} From fields"
    names: list[str] = []
    boxes: list[HeaderAddress] = []
    for value in values[:MAX_FIELDS]:
        fault = fault or _fault(value)
        boxes += [one for one in mailboxes(parse_addresses(value)) if one.domain]
        names += _AFTER_AT.findall(_bare(value))
    certain, has_bad = _domains(one.domain for one in boxes)
    possible, _ = _domains(names)
    domains = tuple(dict.fromkeys((*certain, *possible)))
    if any(_ENCODED.search(one.localpart) for one in boxes[:MAX_NAMES]):
        # Mail programs that decode it show another address (RFC 2047 §5 forbids it).
        fault = fault or "From has an address with an encoded word in it"
    if has_bad:
        fault = fault or "From has an address whose domain is no domain name"
    if not domains:
        fault = fault or "From has no address"
    elif len(domains) > 1:
        fault = fault or "From has addresses of several domains"
    is_too_long = len(boxes) > MAX_NAMES or len(names) > MAX_NAMES or len(values) > MAX_FIELDS
    if is_too_long:
        fault = fault or f"From has more than {MAX_NAMES} addresses"
    return Authors(
        domains=domains[:MAX_DOMAINS],
        address=_address(boxes[0]) if len(boxes) == 1 and not fault else None,
        fault=fault,
        shown_as=next(_shown(boxes[:MAX_NAMES], domains), None),
        has_more=len(domains) > MAX_DOMAINS or is_too_long,
    )


def _fault(value: str) -> str:
    if _CONTROL.search(value):
        return "From has control characters"
    if has_open_comment(value):
        return "From has a comment that does not end"
    if any(isinstance(one, AddressGroup) for one in parse_addresses(value)):
        return "From has a group in the place of an address"
    return ""


def _bare(value: str) -> str:
    """The value without quoted strings and comments."""
    return _QUOTED.sub(r"\1 ", strip_comments(value))


def _shown(boxes: Iterable[HeaderAddress], own: Collection[Domain]) -> Iterator[Domain]:
    """The domains of addresses in display names, which are all that many people see."""
    for box in boxes:
        text = unicodedata.normalize("NFKC", decode_words((box.name or "")[:MAX_DISPLAYED]))
        found, _ = _domains(_AFTER_AT.findall(text)) if "@" in text else ([], False)
        yield from (one for one in found if one not in own)


def _domains(names: Iterable[str]) -> tuple[list[Domain], bool]:
    """The domains that the first of the names are, and whether one of those is none."""
    found: list[Domain] = []
    has_bad = False
    for name in islice(names, MAX_NAMES):
        try:
            found.append(parse_domain(name.removesuffix(".")))
        except WireError:
            has_bad = True
    return found, has_bad


def _address(box: HeaderAddress) -> Address | None:
    try:
        return parse_address(f"{write_localpart(box.localpart)}@{box.domain.removesuffix('.')}")
    except WireError:
        return None
