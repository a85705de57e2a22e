"""What one SMTP conversation knows: the service it uses, the peer, who is signed in, the open transaction.

`Service` and `Resources` are made once, where the program is put together; a `Conversation` once per connection.
"""

from __future__ import annotations

import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from app import ids
from app.clock import SYSTEM, Clock
from app.config.live import Live
from app.config.lookup import Directory
from app.net.tls import TlsInfo
from app.smtpserver.evidence import Origin
from app.smtpserver.judging import Sources
from app.smtpserver.rates import Rates
from app.smtpserver.transaction import Transaction
from app.store.accounts import Accounts
from app.store.evaluations import Evaluations
from app.store.queuedb import QueueDb
from app.store.receivedreports import ReceivedReports
from app.store.returnpaths import ReturnPaths
from app.store.signin import Exchange, SignedIn, SignIn
from app.wire.domain import Domain
from app.wire.smtp.address import Address, IPAddress, ReversePath
from app.wire.smtp.command import GreetingName
from app.wire.smtp.reply import Reply

Answer = Reply | Coroutine[Any, Any, Reply]


class Kind(Enum):
    """Which of the three services a listener offers; the words are metric labels too."""

    SMTP = "smtp"
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"

    @property
    def is_submission(self) -> bool:
        """Whether our own users send here."""
        return self is not Kind.SMTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long answers are held back, in seconds (tests set them to zero)."""

    unknown_recipient_s: float = 5.0
    failed_login_s: float = 1.0  # for each failure after the third
    timeout_localpart_s: float = 3600.0  # the special localpart "timeout" of localserve


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of a listener."""

    kind: Kind
    hostname: Domain
    max_size: int = 100 << 20
    tls: ssl.SSLContext | None = None  # for STARTTLS, or from the first byte for SUBMISSIONS
    requires_tls: bool = False  # SMTP: refuse recipients without it; submission: no sign-in without it
    zones: tuple[Domain, ...] = ()  # DNS block lists
    first_time_delay_s: float = 0.0  # before a first contact is taken
    offers_requiretls: bool = False  # a promise that the queue cannot keep before it verifies certificates

    @property
    def offers_starttls(self) -> bool:
        """Whether a plain connection can be upgraded."""
        return self.tls is not None and self.kind is not Kind.SUBMISSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What all conversations share. `localserve`, when this is localserve, is the address whose account takes all mail
    that nobody else does.
    """

    live: Live
    accounts: Accounts
    queue: QueueDb
    sign_in: SignIn
    rates: Rates = field(default_factory=Rates)
    clock: Clock = SYSTEM
    delays: Delays = field(default_factory=Delays)
    localserve: Address | None = None
    judges: Sources | None = None  # None takes all mail as it comes
    reports: ReceivedReports | None = None  # None keeps no reports of other servers
    evaluations: Evaluations | None = None  # None when no DMARC reports are sent
    returns: ReturnPaths | None = None  # None where nothing is forwarded

    @property
    def directory(self) -> Directory:
        """Whose an address is, by the newest configuration."""
        return self.live.directory


@dataclass(slots=True, kw_only=True)
class Conversation:
    """The state of one connection that functions for commands read and change."""

    service: Service
    resources: Resources
    cid: int
    remote: IPAddress
    local: IPAddress
    tls: TlsInfo | None = None
    name: GreetingName | None = None  # from HELO or EHLO
    is_esmtp: bool = False
    exchange: Exchange | None = None  # of AUTH, while it goes on
    signed_in: SignedIn | None = None
    failed_sign_ins: int = 0
    transaction: Transaction | None = None
    good_transactions: int = 0
    bad_transactions: int = 0
    must_close: bool = False
    id: str = field(default_factory=ids.token)  # what error replies end with, so that the log lines can be found

    def take_transaction(self) -> Transaction:
        """The open transaction, which then is no longer open."""
        transaction, self.transaction = self.transaction, None
        assert transaction is not None
        return transaction

    def origin(self, reverse_path: ReversePath) -> Origin:
        """Who hands a message over."""
        return Origin(
            remote=self.remote,
            helo=self.name.text if self.name is not None else "",
            reverse_path=reverse_path,
            has_tls=self.tls is not None,
            hostname=self.service.hostname,
        )

    def reset(self) -> None:
        """Drop the open transaction, if there is one."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None

    def restart(self, tls: TlsInfo) -> None:
        """TLS has begun: what was said before does not count (RFC 3207 §4.2)."""
        self.reset()
        self.tls = tls
        self.name = self.exchange = self.signed_in = None
