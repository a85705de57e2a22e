"""What all IMAP connections of a listener share."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from app.limits import MESSAGES_PER_COMMAND, ConcurrencyLimit, RateLimit
from app.store.accounts import Accounts
from app.store.signin import SignIn

DEFAULT_MAX_MESSAGE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapService:
    """The parts of the server that IMAP connections use, and the settings of their listener."""

    name: str  # imap or imaps, for metrics
    hostname: str
    accounts: Accounts
    signin: SignIn
    tls_context: ssl.SSLContext | None  # for STARTTLS; None when there is none to be had
    passwords_need_tls: bool  # NoRequireSTARTTLS is not set
    connections: RateLimit
    concurrent: ConcurrencyLimit
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    max_messages: int = MESSAGES_PER_COMMAND  # that one command works on
    progress_interval_s: float = 10.0  # after which a client that waits is told so, again and again
