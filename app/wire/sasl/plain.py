"""PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login) and EXTERNAL (RFC 4422 appendix A), server side."""

from __future__ import annotations

from app.errors import WireError
from app.wire.sasl.preparation import user_name
from app.wire.sasl.steps import (
    MAX_MESSAGE_BYTES,
    Challenge,
    CheckCertificate,
    CheckPassword,
    Reason,
    Rejected,
    ServerExchange,
    Step,
    text_of,
)


class PlainServer(ServerExchange):
    """message = [authzid] NUL authcid NUL passwd"""

    __slots__ = ()

    def step(self, data: bytes | None) -> Step:
        """The only message."""
        if data is None:
            return Challenge(b"")
        if len(data) > MAX_MESSAGE_BYTES:
            raise WireError("authentication message is too long")
        fields = data.split(b"\0")
        if len(fields) != 3:
            raise WireError("PLAIN wants three fields separated by NUL")
        authzid, authcid, password = map(text_of, fields)
        if not authcid:
            raise WireError("PLAIN without a user name")
        authcid = user_name(authcid)
        if authzid and user_name(authzid) != authcid:
            return Rejected(Reason.OTHER_IDENTITY)
        return CheckPassword(authcid, password)


class LoginServer(ServerExchange):
    """Two questions; the texts are those that clients know, some look at them."""

    __slots__ = ("_authcid",)

    def __init__(self) -> None:
        self._authcid: str | None = None

    def step(self, data: bytes | None) -> Step:
        """User name, then password; an initial response is the user name."""
        if data is None:
            return Challenge(b"Username:")
        if self._authcid is None:
            self._authcid = user_name(text_of(data))
            return Challenge(b"Password:")
        return CheckPassword(self._authcid, text_of(data))


class ExternalServer(ServerExchange):
    """The client's TLS certificate is the proof; the message is the authzid, often empty."""

    __slots__ = ()

    def step(self, data: bytes | None) -> Step:
        """The only message."""
        if data is None:
            return Challenge(b"")
        text = text_of(data)
        return CheckCertificate(user_name(text) if text else "")
