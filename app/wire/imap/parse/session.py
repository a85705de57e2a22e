"""Commands about the connection and who is behind it (RFC 9051 §6.1 to §6.3.1, RFC 2971, RFC 4978).

    authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]      initial-resp = base64 / "="
    id           = "ID" SP id-params-list                             enable = "ENABLE" 1*(SP capability)

Names and passwords are UTF-8 text. They do not show in the repr of a command, so that no log shows them.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.tokens import ImapCursor, astring, atom, is_nil, keyword, nstring, parenthesized, space, string, text

MAX_ID_PARAMETERS: Final = 30  # RFC 2971 §3.3
MAX_ID_NAME: Final = 30
MAX_ID_VALUE: Final = 1024

_INITIAL = re.compile(rb"=|[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class CapabilityCommand(Command):
    """What can you do?"""


@dataclass(frozen=True, slots=True)
class NoopCommand(Command):
    """Anything new?"""


@dataclass(frozen=True, slots=True)
class LogoutCommand(Command):
    """The end."""


@dataclass(frozen=True, slots=True)
class StarttlsCommand(Command):
    """Switch to TLS."""


@dataclass(frozen=True, slots=True)
class IdleCommand(Command):
    """Tell me what changes, until I say DONE (RFC 2177)."""


@dataclass(frozen=True, slots=True)
class NamespaceCommand(Command):
    """Where are mailboxes? (RFC 2342)"""


@dataclass(frozen=True, slots=True)
class IdParameter:
    """One thing a client says about itself."""

    name: str  # in lower case
    value: str | None


@dataclass(frozen=True, slots=True)
class IdCommand(Command):
    """Which program are you? This is what I am (RFC 2971)."""

    parameters: tuple[IdParameter, ...]


@dataclass(frozen=True, slots=True)
class LoginCommand(Command):
    """Sign in with a name and a password as they are."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthenticateCommand(Command):
    """Sign in with a SASL mechanism, whose first message may come along (RFC 4959)."""

    mechanism: str  # in upper case
    initial: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnauthenticateCommand(Command):
    """Sign out without ending the connection (RFC 8437)."""


@dataclass(frozen=True, slots=True)
class EnableCommand(Command):
    """Switch on extensions that change what the server sends (RFC 5161)."""

    capabilities: tuple[str, ...]  # in upper case


@dataclass(frozen=True, slots=True)
class CompressCommand(Command):
    """Compress the connection (RFC 4978)."""

    mechanism: str


def parse_login(cursor: ImapCursor, tag: str) -> LoginCommand:
    """LOGIN name password."""
    space(cursor)
    username = text(astring(cursor, "a user name"), "user name")
    space(cursor)
    return LoginCommand(tag, username, text(astring(cursor, "a password"), "password"))


def parse_authenticate(cursor: ImapCursor, tag: str) -> AuthenticateCommand:
    """AUTHENTICATE mechanism [initial response]."""
    space(cursor)
    mechanism = keyword(cursor, "a SASL mechanism")
    initial = None
    if cursor.take(b" "):
        initial = parse_sasl(cursor.expect(_INITIAL, "an initial response in base64"))
    return AuthenticateCommand(tag, mechanism, initial)


def parse_sasl(raw: bytes) -> bytes | None:
    """A client's SASL message: base64, `=` for an empty one, None for `*`, which gives up (RFC 9051 §6.2.2)."""
    if raw == b"*":
        return None
    if raw == b"=":
        return b""
    try:
        return binascii.a2b_base64(raw, strict_mode=True)
    except binascii.Error as error:
        raise ImapSyntaxError("expected a SASL message in base64") from error


def parse_id(cursor: ImapCursor, tag: str) -> IdCommand:
    """ID with pairs of name and value, or NIL."""
    space(cursor)
    if is_nil(cursor):
        return IdCommand(tag, ())
    parameters = parenthesized(cursor, _parse_id_parameter, "NIL or ( and names with values")
    if len(parameters) > MAX_ID_PARAMETERS:
        cursor.fail(f"at most {MAX_ID_PARAMETERS} names with values")
    return IdCommand(tag, tuple(parameters))


def _parse_id_parameter(cursor: ImapCursor) -> IdParameter:
    name = text(string(cursor, "a name in quotes"), "name")
    space(cursor)
    value = nstring(cursor)
    if len(name) > MAX_ID_NAME or len(value or b"") > MAX_ID_VALUE:
        cursor.fail(f"names up to {MAX_ID_NAME} and values up to {MAX_ID_VALUE} bytes")
    return IdParameter(name.lower(), None if value is None else value.decode("utf-8", "replace"))


def parse_enable(cursor: ImapCursor, tag: str) -> EnableCommand:
    """ENABLE followed by capabilities."""
    words = []
    while cursor.take(b" "):
        words.append(keyword(cursor, "a capability"))
    if not words:
        cursor.fail("a capability")
    return EnableCommand(tag, tuple(words))


def parse_compress(cursor: ImapCursor, tag: str) -> CompressCommand:
    """COMPRESS mechanism."""
    space(cursor)
    return CompressCommand(tag, atom(cursor, "a compression mechanism").decode("ascii").upper())
