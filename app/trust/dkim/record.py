"""The key record of a selector: `v=DKIM1; k=rsa; p=...` in DNS (RFC 6376 §3.6.1, RFC 8463 §4).

`parse_key` raises Unusable for a record that is no key or a revoked one. Loaded keys are remembered by their text. An
RSA key may be a SubjectPublicKeyInfo or, as some publish by an erratum of RFC 6376, a bare RSAPublicKey.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from app.trust.dkim.keys import MIN_RSA_BITS
from app.trust.dkim.result import Unusable
from app.trust.dkim.tags import BadTags, decode_base64, parse_tags, words

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from app.trust.dkim.engine import Ed25519Verifier

MAX_RSA_BITS = 8192  # RFC 8301 §3.2 asks for 4096; the cost grows with the square
MAX_RECORD = 16 * 1024
_ED25519_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A public key, and what it may be used for."""

    kind: str  # "rsa" or "ed25519"
    public: RSAPublicKey | Ed25519Verifier
    bits: int
    hashes: tuple[str, ...] = ()  # h=; empty for any
    services: tuple[str, ...] = ("*",)  # s=
    flags: tuple[str, ...] = ()  # t=

    @property
    def is_testing(self) -> bool:
        """The signer only tries DKIM out."""
        return "y" in self.flags

    @property
    def is_strict(self) -> bool:
        """The i= of a signature must be of the very domain, not below it."""
        return "s" in self.flags


def choose_key(records: Iterable[bytes]) -> KeyRecord:
    """The first of the TXT records that is a key; raises Unusable with the fault of the first when none is."""
    fault: Unusable | None = None
    for record in records:
        try:
            return parse_key(record)
        except Unusable as err:
            fault = fault or err
    raise fault or Unusable("there is no key record")


@lru_cache(maxsize=512)
def parse_key(record: bytes) -> KeyRecord:
    """Raises Unusable."""
    if len(record) > MAX_RECORD:
        raise Unusable(f"the key record is longer than {MAX_RECORD} bytes")
    try:
        tags = parse_tags(record)
        _check_version(tags)
        if not tags.get("p", "x"):
            raise Unusable("the key has been revoked")
        if "p" not in tags:
            raise Unusable("the key record has no p=")
        raw = decode_base64(tags["p"], "p")
    except BadTags as err:
        raise Unusable(f"bad key record: {err}") from None
    kind = tags.get("k", "rsa")
    public, bits = _load(kind, raw)
    return KeyRecord(
        kind=kind,
        public=public,
        bits=bits,
        hashes=words(tags["h"]) if "h" in tags else (),
        services=words(tags["s"]) if "s" in tags else ("*",),
        flags=words(tags["t"]) if "t" in tags else (),
    )


def _check_version(tags: dict[str, str]) -> None:
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise Unusable("the key record does not begin with v=DKIM1")


def _load(kind: str, raw: bytes) -> tuple[RSAPublicKey | Ed25519Verifier, int]:
    if kind == "ed25519":
        return _load_ed25519(raw), 8 * _ED25519_BYTES
    if kind == "rsa":
        key = _load_rsa(raw)
        return key, key.key_size
    raise Unusable(f"the key is of the unknown kind {kind[:20]!r}")


def _load_ed25519(raw: bytes) -> Ed25519Verifier:
    import base64

    from app.trust.dkim.engine import Ed25519Verifier

    if len(raw) != _ED25519_BYTES:
        raise Unusable(f"an Ed25519 key has {_ED25519_BYTES} bytes, this one {len(raw)}")
    try:
        return Ed25519Verifier(base64.b64encode(raw))
    except ValueError:
        raise Unusable("the Ed25519 key is no key") from None


def _load_rsa(raw: bytes) -> RSAPublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable(f"the key cannot be read, or has less than {MIN_RSA_BITS} bits") from None
    if not isinstance(key, RSAPublicKey):
        raise Unusable("the key is not of the kind that its record says")
    if key.key_size < MIN_RSA_BITS:
        raise Unusable(f"the RSA key has only {key.key_size} bits, less than {MIN_RSA_BITS} (RFC 8301 §3.2)")
    if key.key_size > MAX_RSA_BITS:
        raise Unusable(f"the RSA key has {key.key_size} bits, more than {MAX_RSA_BITS}")
    return key
