"""What an SMTP server's conversation is made of: its states, the table of legal commands, and the events.

`server.py` moves through the states; a service sees only events. An event is a command value, or one of those here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.wire.smtp.command import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)
from app.wire.smtp.data import DataFault
from app.wire.smtp.reply import Reply


class State(Enum):
    """Where the conversation is."""

    START = "before EHLO"
    READY = "no transaction"
    MAIL = "reverse-path given"
    RCPT = "a recipient accepted"
    CHUNKS = "between two chunks"
    AUTH = "in an authentication exchange"
    DATA = "in a message after DATA"
    CHUNK = "in a chunk"
    TLS = "waiting for TLS"
    CLOSED = "over"


ALWAYS = frozenset({Helo, Ehlo, Rset, Noop, Quit, Help, Vrfy, Expn})

LEGAL: dict[State, frozenset[type[Command]]] = {
    State.START: ALWAYS,
    State.READY: ALWAYS | {StartTls, Auth, Mail},
    State.MAIL: ALWAYS | {Rcpt},
    State.RCPT: ALWAYS | {Rcpt, Data, Bdat},
    State.CHUNKS: ALWAYS | {Bdat},
}

# Their replies have to be awaited before anything more is sent (RFC 2920 §3.1, RFC 5321 §4.1.4, RFC 3207 §4.2).
MUST_BE_LAST = (StartTls, Helo, Ehlo, Data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a listener offers."""

    max_size: int  # bytes of a message
    has_tls: bool = False  # from the first byte on
    offers_starttls: bool = False
    offers_auth: bool = False
    offers_requiretls: bool = True
    offers_binary: bool = True
    offers_future_release: bool = False
    offers_dsn: bool = False


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """A line of the client within an authentication exchange; None when it cancels (`*`)."""

    data: bytes | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the message. The only event that gets no reply."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ChunkEnd:
    """A chunk of BDAT, not the last, is complete."""

    size: int


@dataclass(frozen=True, slots=True)
class EndOfData:
    """The message is complete, or spoilt by `fault`."""

    size: int
    fault: DataFault | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that this machine declines by itself."""

    reply: Reply
    is_last: bool = False


Event = Command | AuthResponse | Chunk | ChunkEnd | EndOfData | Refused
