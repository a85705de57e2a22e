"""CRAM-MD5 (RFC 2195): the client shows a keyed digest of our challenge.

    challenge = "<" random "." timestamp "@" hostname ">"
    response  = username SP 32HEXDIG

No protection beyond that: mechanisms of the SCRAM family are better, but old mail programs know only this one.
"""

from __future__ import annotations

import hmac
import re

from app.errors import WireError
from app.wire.sasl import md5state
from app.wire.sasl.preparation import user_name
from app.wire.sasl.steps import (
    Accepted,
    Challenge,
    CramSecret,
    NeedSecret,
    Reason,
    Rejected,
    Secret,
    ServerExchange,
    Step,
    text_of,
)

_RESPONSE = re.compile(r"(.+) ([0-9A-Fa-f]{32})", re.DOTALL)


def cram_secret(password: str) -> CramSecret:
    """What is stored for a password (prepared by the caller)."""
    return CramSecret(*md5state.hmac_states(password.encode()))


def cram_response(authcid: str, secret: CramSecret, challenge: bytes) -> bytes:
    """What a client answers."""
    digest = md5state.hmac_digest(secret.inner, secret.outer, challenge)
    return f"{authcid} {digest.hex()}".encode()


class CramServer(ServerExchange):
    """The server's side, with the challenge to be sent."""

    __slots__ = ("_authcid", "_challenge", "_digest")

    def __init__(self, challenge: bytes) -> None:
        self._challenge = challenge
        self._authcid = ""
        self._digest = b""

    def step(self, data: bytes | None) -> Step:
        """The challenge first; a client cannot have an initial response (RFC 4954 §4 refuses it)."""
        if data is None:
            return Challenge(self._challenge)
        found = _RESPONSE.fullmatch(text_of(data))
        if found is None:
            raise WireError("CRAM-MD5 wants a user name, a space and 32 hexadecimal digits")
        self._authcid, self._digest = user_name(found[1]), bytes.fromhex(found[2])
        return NeedSecret(self._authcid)

    def provide(self, secret: Secret) -> Step:
        """Compare the digests."""
        assert isinstance(secret, CramSecret)
        wanted = md5state.hmac_digest(secret.inner, secret.outer, self._challenge)
        if not hmac.compare_digest(wanted, self._digest):
            return Rejected(Reason.BAD_CREDENTIALS)
        return Accepted(self._authcid)
