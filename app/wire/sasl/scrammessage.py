"""The messages of SCRAM (RFC 5802 §7) and its arithmetic (§3), shared by both sides.

    client-first = gs2-cbind-flag "," [ "a=" saslname ] "," [ "m=" ... ] "n=" saslname "," "r=" nonce [ "," extensions ]
    server-first = "r=" nonce "," "s=" base64 "," "i=" number
    client-final = "c=" base64 "," "r=" nonce [ "," extensions ] "," "p=" base64
    server-final = "v=" base64 / "e=" error

A message with a mandatory extension ("m=") is refused, as the RFC asks; optional ones are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from app.errors import WireError
from app.wire.sasl.preparation import user_name
from app.wire.sasl.steps import ScramSecret, text_of

MAX_NONCE = 256
MAX_ITERATIONS = 1_000_000  # for clients: a server cannot make us work for minutes

_NONCE = re.compile(rf"[\x21-\x2b\x2d-\x7e]{{1,{MAX_NONCE}}}")
_BINDING_TYPE = re.compile(r"[A-Za-z0-9.-]{1,64}")
_STRAY_EQUALS = re.compile(r"=(?!2C|3D)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFirst:
    """The client's first message."""

    flag: str  # "n", "y", or "p"
    binding_type: str  # with "p" only
    authzid: str
    authcid: str
    nonce: str
    header: bytes  # the gs2-header, which the final message repeats
    bare: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFirst:
    """The server's first message."""

    nonce: str
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFinal:
    """The client's final message."""

    binding: bytes
    nonce: str
    proof: bytes = field(repr=False)
    without_proof: bytes


def parse_client_first(data: bytes) -> ClientFirst:
    """Raises WireError."""
    parts = text_of(data).split(",", 2)
    if len(parts) != 3:
        raise WireError("SCRAM message is incomplete")
    flag, identity, bare = parts
    kind, _, binding_type = flag.partition("=")
    if kind not in ("n", "y", "p") or (kind == "p") != bool(_BINDING_TYPE.fullmatch(binding_type)):
        raise WireError("SCRAM channel binding flag is malformed")
    if identity and not identity.startswith("a="):
        raise WireError("SCRAM authorization identity is malformed", len(flag) + 1)
    values = bare.split(",")
    if len(values) < 2 or not values[0].startswith("n="):  # "m=" comes first and so is refused here
        raise WireError("SCRAM message has no user name in its place")
    return ClientFirst(
        flag=kind,
        binding_type=binding_type,
        authzid=_name(identity[2:]) if identity else "",
        authcid=_name(values[0][2:]),
        nonce=_nonce(values[1]),
        header=f"{flag},{identity},".encode(),
        bare=bare.encode(),
    )


def parse_server_first(data: bytes) -> ServerFirst:
    """Raises WireError."""
    values = text_of(data).split(",")
    if len(values) < 3 or not values[2].startswith("i="):
        raise WireError("SCRAM answer of the server is malformed")
    count = values[2][2:]
    if not (count.isascii() and count.isdigit() and len(count) < 9 and 0 < int(count) <= MAX_ITERATIONS):
        raise WireError("SCRAM iteration count is out of range")
    return ServerFirst(nonce=_nonce(values[0]), salt=_base64(values[1], "s="), iterations=int(count))


def parse_client_final(data: bytes) -> ClientFinal:
    """Raises WireError."""
    text = text_of(data)
    without_proof, separator, proof = text.rpartition(",p=")
    values = without_proof.split(",")
    if not separator or len(values) < 2 or any(value.startswith("m=") for value in values):
        raise WireError("SCRAM final message is malformed")
    return ClientFinal(
        binding=_base64(values[0], "c="),
        nonce=_nonce(values[1]),
        proof=_base64("p=" + proof, "p="),
        without_proof=without_proof.encode(),
    )


def parse_server_final(data: bytes) -> bytes:
    """The server's signature; raises WireError, with the server's error when it sent one."""
    text = text_of(data)
    if text.startswith("e="):
        raise WireError(f"server says: {text[2:200]}")
    return _base64(text.split(",")[0], "v=")


def escape_name(name: str) -> str:
    """A user name as saslname."""
    return name.replace("=", "=3D").replace(",", "=2C")


def salted_password(hash_name: str, password: str, salt: bytes, iterations: int) -> bytes:
    """Hi() of RFC 5802 §2.2; the slow part."""
    return hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)


def scram_secret(hash_name: str, password: str, salt: bytes, iterations: int) -> ScramSecret:
    """What is stored for a password (prepared by the caller)."""
    salted = salted_password(hash_name, password, salt, iterations)
    stored_key = hashlib.new(hash_name, digest(hash_name, salted, b"Client Key")).digest()
    return ScramSecret(salt, iterations, stored_key, digest(hash_name, salted, b"Server Key"))


def digest(hash_name: str, key: bytes, data: bytes) -> bytes:
    """HMAC."""
    return hmac.digest(key, data, hash_name)


def xor(one: bytes, other: bytes) -> bytes:
    """Byte by byte, of equal lengths."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def encode_base64(data: bytes) -> bytes:
    """Base64 on one line."""
    return base64.b64encode(data)


def _name(text: str) -> str:
    if not text or _STRAY_EQUALS.search(text):
        raise WireError("SCRAM user name is malformed")
    return user_name(text.replace("=2C", ",").replace("=3D", "="))


def _nonce(value: str) -> str:
    if not value.startswith("r=") or not _NONCE.fullmatch(value, 2):
        raise WireError("SCRAM nonce is malformed")
    return value[2:]


def _base64(value: str, prefix: str) -> bytes:
    try:
        if not value.startswith(prefix):
            raise ValueError(prefix)
        return base64.b64decode(value[2:], validate=True)
    except (binascii.Error, ValueError):
        raise WireError(f"SCRAM field {prefix} is malformed") from None
