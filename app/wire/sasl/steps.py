"""The vocabulary of an exchange: what a server's machine says next, and the secrets it can be given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from app.errors import WireError

MAX_MESSAGE_BYTES = 8192


class Reason(Enum):
    """Why a client has not proven who it is; the words of the login attempts table."""

    BAD_CREDENTIALS = "badcreds"
    BAD_CHANNEL_BINDING = "badchanbind"
    OTHER_IDENTITY = "badauthzid"  # asked to act as somebody else


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send this to the client."""

    data: bytes


@dataclass(frozen=True, slots=True)
class NeedSecret:
    """Find the secret of this user."""

    authcid: str


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """The client says it is this user, with this password."""

    authcid: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckCertificate:
    """The client refers to its TLS certificate; `authzid` may be empty."""

    authzid: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The client is this user."""

    authcid: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The client is not who it says, or will not say it properly."""

    reason: Reason


Step: TypeAlias = Challenge | NeedSecret | CheckPassword | CheckCertificate | Accepted | Rejected


@dataclass(frozen=True, slots=True)
class CramSecret:
    """The two MD5 states of HMAC-MD5 after the key; enough to sign in by CRAM-MD5, and not the password."""

    inner: bytes = field(repr=False)
    outer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What RFC 5802 §3 lets a server keep."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


Secret: TypeAlias = CramSecret | ScramSecret


class ChannelBindings(Protocol):
    """What a TLS connection can be bound by; `app.net.tls.TlsInfo` is one."""

    def binding_types(self) -> tuple[str, ...]:
        """The types there are, best first."""
        ...

    def channel_binding(self, binding_type: str) -> bytes | None:
        """The data of a type."""
        ...


class ServerExchange:
    """The server's side of one exchange."""

    __slots__ = ()

    def step(self, data: bytes | None) -> Step:
        """Take what the client sent; None only at first, when it sent no initial response."""
        raise NotImplementedError

    def provide(self, secret: Secret) -> Step:
        """Answer NeedSecret."""
        raise RuntimeError("this mechanism asks for no secret")


def text_of(data: bytes) -> str:
    """A client's message as text: bounded, UTF-8, without NUL. Raises WireError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise WireError("authentication message is too long")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise WireError("authentication message is not UTF-8", error.start) from None
    if "\0" in text:
        raise WireError("authentication message contains NUL", text.index("\0"))
    return text
