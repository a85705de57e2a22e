"""DKIM keys: load from PKCS#8 PEM, make new ones, and the text of their DNS records (RFC 6376 §3.6.1, RFC 8463).

`load_key` remembers what it has loaded, as every message signed asks again. The prime checks of OpenSSL are skipped:
they take 43 ms, and the file is our own. Raises BadKey, never with key material in its text.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from app.errors import MailError

if TYPE_CHECKING:  # the real import costs 40 ms and is left to the first use
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MIN_RSA_BITS = 1024  # RFC 8301 §3.2: shorter ones are not accepted by verifiers
NEW_RSA_BITS = 2048
_RECORD_STRING = 255  # bytes in one character-string of a TXT record


class BadKey(MailError):
    """A private key file that cannot be used."""


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key and the algorithm it signs with, as the `a=` tag spells it."""

    algorithm: str
    private: RSAPrivateKey | Ed25519PrivateKey

    def record(self) -> str:
        """The text of the DNS record that publishes the public half."""
        return f"v=DKIM1;h=sha256;{'' if self.algorithm == 'rsa-sha256' else 'k=ed25519;'}p={_public(self)}"


@lru_cache(maxsize=256)
def load_key(pem: bytes) -> SigningKey:
    """The key in a PEM file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("not an unencrypted private key in PEM form") from None
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey("ed25519-sha256", private)
    if not isinstance(private, RSAPrivateKey):
        raise BadKey("DKIM keys are RSA or Ed25519, this one is neither")
    if private.key_size < MIN_RSA_BITS:
        raise BadKey(f"RSA key of {private.key_size} bits; at least {MIN_RSA_BITS} are needed")
    return SigningKey("rsa-sha256", private)


def make_rsa(bits: int = NEW_RSA_BITS) -> bytes:
    """A new RSA key as PKCS#8 PEM."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def make_ed25519() -> bytes:
    """A new Ed25519 key as PKCS#8 PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _pem(Ed25519PrivateKey.generate())


def record_strings(text: str) -> list[str]:
    """`text` in the pieces of a TXT record."""
    return [text[at : at + _RECORD_STRING] for at in range(0, len(text), _RECORD_STRING)]


def _pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(key: SigningKey) -> str:
    """The `p=` tag: SubjectPublicKeyInfo for RSA, the 32 raw bytes for Ed25519 (RFC 8463 §4)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.private.public_key()
    if key.algorithm == "rsa-sha256":
        raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()
