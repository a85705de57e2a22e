"""The mechanisms by name: which are offered when, and a server exchange for each."""

from __future__ import annotations

import base64
import os
from enum import Enum

from app.wire.sasl.cram import CramServer
from app.wire.sasl.plain import ExternalServer, LoginServer, PlainServer
from app.wire.sasl.scram import ScramServer
from app.wire.sasl.steps import ChannelBindings, ServerExchange


class Mechanism(Enum):
    """What can be offered, in the order of offering: the strongest first."""

    EXTERNAL = "EXTERNAL"
    SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_1_PLUS = "SCRAM-SHA-1-PLUS"
    SCRAM_SHA_1 = "SCRAM-SHA-1"
    CRAM_MD5 = "CRAM-MD5"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"

    @property
    def hash_name(self) -> str:
        """Of the SCRAM family: hashlib's name of the hash; else empty."""
        if not self.value.startswith("SCRAM-"):
            return ""
        return "sha256" if "SHA-256" in self.value else "sha1"

    @property
    def is_plus(self) -> bool:
        """Whether it binds to the TLS connection."""
        return self.value.endswith("-PLUS")

    @property
    def shows_password(self) -> bool:
        """Whether whoever reads the connection reads the password."""
        return self in (Mechanism.PLAIN, Mechanism.LOGIN)


def find_mechanism(name: str) -> Mechanism | None:
    """The mechanism of a name, in any case."""
    try:
        return Mechanism(name.upper())
    except ValueError:
        return None


def offered(tls: ChannelBindings | None, has_certificate: bool = False) -> tuple[Mechanism, ...]:
    """What to announce on a connection where signing in is allowed at all."""
    binds = tls is not None and bool(tls.binding_types())
    return tuple(
        mechanism
        for mechanism in Mechanism
        if (binds or not mechanism.is_plus) and (has_certificate or mechanism is not Mechanism.EXTERNAL)
    )


def random_nonce() -> str:
    """A fresh SCRAM nonce."""
    return base64.b64encode(os.urandom(18)).decode()


def begin(mechanism: Mechanism, tls: ChannelBindings | None, cram_challenge: bytes, nonce: str = "") -> ServerExchange:
    """An exchange by `mechanism`; `cram_challenge` has the form of a Message-ID (RFC 2195 §2)."""
    if mechanism.hash_name:
        return ScramServer(mechanism.hash_name, nonce or random_nonce(), tls, mechanism.is_plus)
    if mechanism is Mechanism.CRAM_MD5:
        return CramServer(cram_challenge)
    if mechanism is Mechanism.EXTERNAL:
        return ExternalServer()
    return PlainServer() if mechanism is Mechanism.PLAIN else LoginServer()
