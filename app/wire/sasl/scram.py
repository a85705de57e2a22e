"""SCRAM (RFC 5802, RFC 7677), server side: SHA-1 and SHA-256, with and without channel binding.

The client proves that it knows the password, and we prove that we know it too, without either sending it. With a
channel binding both also prove to be on the same TLS connection. SMTP and IMAP have no data in a success, so the
server's final message is one more challenge, answered by an empty message (RFC 4422 §5).
"""

from __future__ import annotations

import hashlib
import hmac

from app.errors import WireError
from app.wire.sasl.scrammessage import (
    ClientFirst,
    digest,
    encode_base64,
    parse_client_final,
    parse_client_first,
    xor,
)
from app.wire.sasl.steps import (
    Accepted,
    Challenge,
    ChannelBindings,
    NeedSecret,
    Reason,
    Rejected,
    ScramSecret,
    Secret,
    ServerExchange,
    Step,
)


class ScramServer(ServerExchange):
    """One exchange; `nonce` is fresh for each."""

    __slots__ = ("_first", "_hash", "_nonce", "_plus", "_proven", "_secret", "_server_first", "_tls")

    def __init__(self, hash_name: str, nonce: str, tls: ChannelBindings | None, plus: bool) -> None:
        """`tls` is None in the clear; `plus` for the -PLUS variant, which binds to the channel."""
        self._hash = hash_name
        self._nonce = nonce
        self._tls = tls
        self._plus = plus
        self._first: ClientFirst | None = None
        self._secret: ScramSecret | None = None
        self._server_first = b""
        self._proven = False

    def step(self, data: bytes | None) -> Step:
        """First, final, and the empty answer to our signature."""
        if self._proven:
            if data:
                raise WireError("SCRAM ends with an empty message")
            assert self._first is not None
            return Accepted(self._first.authcid)
        if self._first is None:
            return Challenge(b"") if data is None else self._begin(data)
        return self._check(data or b"")

    def provide(self, secret: Secret) -> Step:
        """Send the salt, and our part of the nonce."""
        assert isinstance(secret, ScramSecret)
        assert self._first is not None
        self._secret = secret
        nonce = (self._first.nonce + self._nonce).encode()
        count = str(secret.iterations).encode()
        self._server_first = b"r=" + nonce + b",s=" + encode_base64(secret.salt) + b",i=" + count
        return Challenge(self._server_first)

    def _begin(self, data: bytes) -> Step:
        first = parse_client_first(data)
        types = self._tls.binding_types() if self._tls else ()
        if self._plus != (first.flag == "p"):
            return Rejected(Reason.BAD_CHANNEL_BINDING)
        if first.flag == "p" and first.binding_type not in types:
            return Rejected(Reason.BAD_CHANNEL_BINDING)
        if first.flag == "y" and types:  # somebody took our -PLUS mechanisms from the list (RFC 5802 §6)
            return Rejected(Reason.BAD_CHANNEL_BINDING)
        if first.authzid and first.authzid != first.authcid:
            return Rejected(Reason.OTHER_IDENTITY)
        self._first = first
        return NeedSecret(first.authcid)

    def _check(self, data: bytes) -> Step:
        first, secret = self._first, self._secret
        assert first is not None
        assert secret is not None
        final = parse_client_final(data)
        if final.nonce != first.nonce + self._nonce:
            raise WireError("SCRAM nonce is not the one that was agreed")
        if not hmac.compare_digest(final.binding, first.header + self._binding_data(first)):
            return Rejected(Reason.BAD_CHANNEL_BINDING)
        signed = first.bare + b"," + self._server_first + b"," + final.without_proof
        signature = digest(self._hash, secret.stored_key, signed)
        if len(final.proof) != len(signature):
            return Rejected(Reason.BAD_CREDENTIALS)
        client_key = xor(final.proof, signature)
        if not hmac.compare_digest(hashlib.new(self._hash, client_key).digest(), secret.stored_key):
            return Rejected(Reason.BAD_CREDENTIALS)
        self._proven = True
        return Challenge(b"v=" + encode_base64(digest(self._hash, secret.server_key, signed)))

    def _binding_data(self, first: ClientFirst) -> bytes:
        if first.flag != "p" or self._tls is None:
            return b""
        return self._tls.channel_binding(first.binding_type) or b""
