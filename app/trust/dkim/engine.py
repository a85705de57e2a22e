"""dkimpy with its slow parts replaced: RSA and Ed25519 by `cryptography`, body canonicalisation by few fast passes.

Importing this module imports dkimpy and installs the replacements, once per process:

- `dkim.RSASSA_PKCS1_v1_5_sign` and `..._verify`, which dkimpy looks up at each call; they take dkimpy's dictionaries of
  numbers or key objects of `cryptography`;
- `dkim.nacl`, which dkimpy would take from PyNaCl, for Ed25519 (RFC 8463);
- `canonicalize_body` of both canonicalisations, and the removal of empty lines at the end of a body;
- `dkim.select_headers` and the pattern that takes the value of `b=` away, whose originals take quadratic time;
- `dkim.fold`, whose original breaks long lines inside a domain name too.

Each but the last two gives what the original gives, which `tests/trust/dkim/test_engine.py` checks against the
originals kept in `ORIGINALS`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Protocol

import dkim  # type: ignore[import-untyped]
import dkim.canonicalization  # type: ignore[import-untyped]
import dkim.crypto  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

ORIGINALS = SimpleNamespace(
    sign=dkim.crypto.RSASSA_PKCS1_v1_5_sign,
    verify=dkim.crypto.RSASSA_PKCS1_v1_5_verify,
    relaxed_body=dkim.canonicalization.Relaxed.canonicalize_body,
    simple_body=dkim.canonicalization.Simple.canonicalize_body,
    select_headers=dkim.select_headers,
    unsigned=dkim.RE_BTAG,
)
DKIM: Any = dkim.DKIM
ARC: Any = dkim.ARC
DKIMException: type[Exception] = dkim.DKIMException
CanonicalizationPolicy: Any = dkim.CanonicalizationPolicy

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}


class Digest(Protocol):
    """A hash object of hashlib, or dkimpy's wrapper of one."""

    @property
    def name(self) -> str:
        """Such as "sha256"."""

    def digest(self) -> bytes:
        """The value."""


def rsa_sign(digest: Digest, key: rsa.RSAPrivateKey | dict[str, int]) -> bytes:
    """An RSASSA-PKCS1-v1_5 signature over a finished hash object (RFC 8017 §8.2.1)."""
    private = key if isinstance(key, rsa.RSAPrivateKey) else _private_of(key)
    return private.sign(digest.digest(), padding.PKCS1v15(), Prehashed(_HASHES[digest.name]))


def rsa_verify(digest: Digest, signature: bytes, key: rsa.RSAPublicKey | dict[str, int]) -> bool:
    """Whether the signature over the hash object is right; an impossible key is a signature that is wrong."""
    try:
        public = key if isinstance(key, rsa.RSAPublicKey) else _public_of(key)
        public.verify(signature, digest.digest(), padding.PKCS1v15(), Prehashed(_HASHES[digest.name]))
    except (InvalidSignature, ValueError):
        return False
    return True


def _private_of(numbers: dict[str, int]) -> rsa.RSAPrivateKey:
    private = rsa.RSAPrivateNumbers(
        numbers["prime1"],
        numbers["prime2"],
        numbers["privateExponent"],
        numbers["exponent1"],
        numbers["exponent2"],
        numbers["coefficient"],
        rsa.RSAPublicNumbers(numbers["publicExponent"], numbers["modulus"]),
    )
    return private.private_key(unsafe_skip_rsa_key_validation=True)


def _public_of(numbers: dict[str, int]) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(numbers["publicExponent"], numbers["modulus"]).public_key()


class BadSignature(Exception):
    """What PyNaCl raises for a signature that is wrong."""


class Ed25519Signer:
    """Stands for PyNaCl's SigningKey; takes a base64 seed as dkimpy passes it, or a key object."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes | Ed25519PrivateKey, encoder: object = None) -> None:
        if isinstance(key, bytes):
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key))
        self._key = key

    def sign(self, digest: bytes) -> SimpleNamespace:
        """An object that has the signature."""
        return SimpleNamespace(signature=self._key.sign(digest))


class Ed25519Verifier:
    """Stands for PyNaCl's VerifyKey; raises ValueError for a key that is none."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes, encoder: object = None) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, digest: bytes, signature: bytes) -> None:
        """Returns when the signature is right, raises BadSignature when not."""
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            raise BadSignature from None


def relaxed_body(body: bytes) -> bytes:
    """The relaxed form of a body (RFC 6376 §3.4.4), in as many passes as the longest run of blanks has bits."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    body = simple_body(body)
    return b"" if body == b"\r\n" else body


def simple_body(body: bytes) -> bytes:
    """The simple form of a body (RFC 6376 §3.4.3): exactly one CRLF at its end."""
    end = len(body.rstrip(b"\r\n"))
    tail = body[end:]
    kept = len(tail)
    while tail.endswith(b"\r\n" * 64, 0, kept):
        kept -= 128
    while tail.endswith(b"\r\n", 0, kept):
        kept -= 2
    return body[: end + kept] + b"\r\n"


def select_headers(headers: list[tuple[bytes, bytes]], names: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """The fields that are signed: for each name the last one that was not taken yet (RFC 6376 §5.4.2)."""
    left: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for field in headers:
        left.setdefault(field[0].lower(), []).append(field)
    return [fields.pop() for name in names if (fields := left.get(name))]


class Unsigned:
    """Stands for dkimpy's pattern of the `b=` tag: the whole value goes, with the white space around it (§3.7)."""

    _NAME = re.compile(rb"\s*b\s*=")

    @classmethod
    def sub(cls, _: bytes, value: bytes) -> bytes:
        """A signature field's value without that of its `b=` tag."""
        tags = value.split(b";")
        for index, tag in enumerate(tags):
            if match := cls._NAME.match(tag):
                tags[index] = match[0]
        return b";".join(tags)


def fold(header: bytes, namelen: int = 0, linesep: bytes = b"\r\n") -> bytes:
    """A field's value in lines of about 72 bytes, broken at spaces, and inside base64 (RFC 6376 §3.2).

    A name that is longer stays whole: a space inside `d=`, `s=` or `i=` makes another name of it, or none.
    """
    end = linesep if header.endswith(linesep) else b""
    done: list[bytes] = []
    line = b""
    for word in header.removesuffix(end).split(b" "):
        width = 71 if done else 72 - namelen
        is_signature = word.startswith(b"b=")  # on a line of its own, whatever stands there before it is made
        if line and (is_signature or len(line) + 1 + len(word) > width):
            done.append(line)
            line = word
        else:
            line = line + b" " + word if line else word
        while is_signature and len(line) > 71:
            done.append(line[:71])
            line = line[71:]
    return (linesep + b" ").join([*done, line]) + end


dkim.RSASSA_PKCS1_v1_5_sign = rsa_sign
dkim.RSASSA_PKCS1_v1_5_verify = rsa_verify
dkim.nacl = SimpleNamespace(
    signing=SimpleNamespace(SigningKey=Ed25519Signer, VerifyKey=Ed25519Verifier),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(BadSignatureError=BadSignature, ValueError=ValueError),
)
dkim.fold = fold
dkim.select_headers = select_headers
dkim.RE_BTAG = Unsigned
dkim.canonicalization.Relaxed.canonicalize_body = staticmethod(relaxed_body)
dkim.canonicalization.Simple.canonicalize_body = staticmethod(simple_body)
