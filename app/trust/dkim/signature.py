"""The DKIM-Signature field: its tags as checked values (RFC 6376 §3.5, RFC 8301, RFC 8463, RFC 8616).

`parse_signature` raises Unusable for what no verifier may accept: missing tags, other versions and algorithms, values
out of bounds, a From that is not signed. `describe` gives what can be told of any field, however broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import WireError
from app.trust.dkim.result import SignatureResult, Status, Unusable
from app.trust.dkim.tags import BadTags, decode_base64, parse_tags, without_blanks, words
from app.wire.domain import Domain, parse_domain

MAX_FIELD = 16 * 1024
MAX_NAMES = 500
MAX_IDENTITY = 320
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")

_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_NUMBER = re.compile(r"[0-9]{1,76}\Z")  # RFC 6376 §3.5 of l=
_FIELD_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]+\Z")
_FORMS = ("simple", "relaxed")
_SHOWN = 8  # characters of b= (RFC 6008 §4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature that can be verified."""

    algorithm: str
    domain: Domain
    selector: Domain
    identity: str
    identity_domain: Domain
    names: tuple[bytes, ...]  # of the signed fields, in lower case
    body_hash: bytes
    signature: str  # base64
    relaxed_header: bool
    relaxed_body: bool
    length: int | None = None
    signed_at: int | None = None
    expires_at: int | None = None

    @property
    def key_name(self) -> str:
        """Where the key stands in DNS."""
        return f"{self.selector.ascii}._domainkey.{self.domain.ascii}"


def parse_signature(value: bytes) -> Signature:
    """The signature in a folded field value; raises Unusable."""
    return signature_of(read_signature(value))


def signature_of(tags: dict[str, str]) -> Signature:
    """The signature that tags describe; raises Unusable."""
    for name in _REQUIRED:
        if not tags.get(name):
            raise Unusable(f"the signature has no {name}=")
    if tags["v"] != "1":
        raise Unusable(f"the signature is of the unknown version {tags['v'][:20]!r}")
    if "q" in tags and "dns/txt" not in words(tags["q"].lower()):
        raise Unusable("the key is not in DNS, where q= says to look")
    domain = _domain(tags["d"], "d")
    identity, identity_domain = _identity(tags, domain)
    header_form, body_form = _forms(tags.get("c", "simple"))
    signed_at, expires_at = _number(tags, "t"), _number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise Unusable("the signature expires before it was made")
    return Signature(
        algorithm=_algorithm(tags["a"]),
        domain=domain,
        selector=_domain(tags["s"], "s"),
        identity=identity,
        identity_domain=identity_domain,
        names=_names(tags["h"]),
        body_hash=_bytes(tags["bh"], "bh"),
        signature=_checked_base64(tags["b"]),
        relaxed_header=header_form,
        relaxed_body=body_form,
        length=_number(tags, "l"),
        signed_at=signed_at,
        expires_at=expires_at,
    )


def describe(value: bytes, fault: Unusable) -> SignatureResult:
    """The result of a field that cannot be used."""
    try:
        tags = read_signature(value)
    except Unusable:
        tags = {}
    try:
        domain = _domain(tags["d"], "d") if "d" in tags else None
    except Unusable:
        domain = None
    return SignatureResult(
        status=fault.status,
        reason=fault.reason,
        domain=domain,
        selector=tags.get("s", "")[:253],
        identity=without_blanks(tags.get("i", ""))[:MAX_IDENTITY],
        algorithm=without_blanks(tags.get("a", ""))[:40],
        signature=shown(tags.get("b", "")),
    )


def shown(signature: str) -> str:
    """As much of b= as tells signatures apart."""
    return without_blanks(signature[: 4 * _SHOWN])[:_SHOWN]


def read_signature(value: bytes) -> dict[str, str]:
    """The tags of a signature field; raises Unusable."""
    if len(value) > MAX_FIELD:
        raise Unusable(f"the signature is longer than {MAX_FIELD} bytes", Status.NEUTRAL)
    try:
        return parse_tags(value)
    except BadTags as err:
        raise Unusable(f"the signature cannot be read: {err}", Status.NEUTRAL) from None


def _domain(text: str, name: str) -> Domain:
    try:
        return parse_domain(text)
    except WireError as err:
        raise Unusable(f"{name}= is not a domain name: {err.message}") from None


def _algorithm(text: str) -> str:
    if text in ALGORITHMS:
        return text
    if text == "rsa-sha1":
        raise Unusable("SHA-1 does not count any more (RFC 8301 §3.1)")
    raise Unusable(f"the algorithm {text[:40]!r} is unknown")


def _forms(text: str) -> tuple[bool, bool]:
    """Whether header and body are in relaxed form."""
    header, slash, body = text.partition("/")
    body = body if slash else "simple"
    if header not in _FORMS or body not in _FORMS:
        raise Unusable(f"the canonicalisation {text[:40]!r} is unknown")
    return header == "relaxed", body == "relaxed"


def _number(tags: dict[str, str], name: str) -> int | None:
    if name not in tags:
        return None
    if not _NUMBER.match(tags[name]):
        raise Unusable(f"{name}= is not a number")
    return int(tags[name])


def _names(text: str) -> tuple[bytes, ...]:
    names = words(text.lower())
    if len(names) > MAX_NAMES:
        raise Unusable(f"the signature names more than {MAX_NAMES} fields")
    if not all(map(_FIELD_NAME.match, names)):
        raise Unusable("h= is not a list of field names")
    if "from" not in names:
        raise Unusable("the signature does not cover the From field")
    return tuple(name.encode() for name in names)


def _bytes(text: str, name: str) -> bytes:
    try:
        return decode_base64(text, name)
    except BadTags as err:
        raise Unusable(f"the signature cannot be read: {err}") from None


def _checked_base64(text: str) -> str:
    _bytes(text, "b")
    return without_blanks(text)


def _identity(tags: dict[str, str], domain: Domain) -> tuple[str, Domain]:
    """The i= tag and its domain, which must be that of d= or below it."""
    if "i" not in tags:
        return f"@{domain.ascii}", domain
    text = without_blanks(tags["i"])
    if len(text) > MAX_IDENTITY:
        raise Unusable("i= is too long")
    _, at, name = text.rpartition("@")
    identity_domain = _domain(name, "i")
    if not at or not identity_domain.is_subdomain_of(domain):
        raise Unusable("i= is not in the domain of d=")
    return text, identity_domain
