"""The values that go into the queue and come out of it.

A message is queued once, with one row per recipient; the number of the message is the recipients' `base_id`.
Everything that may differ between recipients, or that an operator may change for one of them, is in `Queued`. Nothing
here knows the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from app.store.spool import Body
from app.wire.smtp.address import Address, AddressLiteral, ReversePath

Recipient = Address | AddressLiteral


class Report(Enum):
    """Whether a message is a report of ours, which gets fewer attempts and no notification."""

    NONE = 0
    DMARC = 1
    TLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecipient:
    """One recipient of a message to be queued."""

    path: Recipient
    reverse_path: ReversePath | None = None  # when it differs from the message's, for FromID
    from_id: str = ""
    notify: str = ""  # RFC 3461 §4.1, as given: "NEVER" or words such as "FAILURE,DELAY"
    orcpt: str = ""  # RFC 3461 §4.2, as given, still in xtext


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to be queued; `prefix` are the fields we put on top of the body's."""

    sender_account: str
    reverse_path: ReversePath
    recipients: tuple[NewRecipient, ...]
    body: Body
    prefix: bytes = b""
    message_id: str = ""  # with angle brackets
    subject: str = ""
    has_8bit: bool = False
    smtputf8: bool = False
    is_dsn: bool = False
    report: Report = Report.NONE
    require_tls: bool | None = None
    transport: str = ""  # pinned; "" for the routes
    max_attempts: int = 0  # 0 for the usual number
    not_before: float = 0.0  # FUTURERELEASE
    future_release: str = ""
    ret: str = ""  # RFC 3461 §4.3
    envid: str = ""  # RFC 3461 §4.4
    extra: Mapping[str, str] = field(default_factory=dict)
    keep_result_s: float = 0.0  # how long to remember at least what became of it
    forwarded_for: str = ""  # the destination of the account that forwards it; "" for other mail
    has_copy: bool = False  # a forwarded message that is in the account as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One recipient of a queued message, as it stands in the queue."""

    id: int
    base_id: int
    sender_account: str
    reverse_path: ReversePath
    recipient: Recipient
    from_id: str
    queued: float
    hold: bool
    fail_now: bool  # an operator wants it to fail at once
    attempts: int
    max_attempts: int
    next_attempt: float
    last_attempt: float  # 0 before the first
    size_bytes: int  # prefix and body
    message_id: str
    subject: str
    has_8bit: bool
    smtputf8: bool
    is_dsn: bool
    report: Report
    require_tls: bool | None
    transport: str
    notify: str
    orcpt: str
    ret: str
    envid: str
    future_release: str
    extra: Mapping[str, str]
    keep_result_s: float = 0.0
    forwarded_for: str = ""
    has_copy: bool = False

    @property
    def domain(self) -> str:
        """What is after the @, in ASCII; an address literal with its brackets."""
        return domain_of(self.recipient)


def domain_of(recipient: Recipient) -> str:
    """What is after the @, in ASCII; an address literal with its brackets."""
    return recipient.wire.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one attempt for one recipient."""

    started: float
    duration_s: float
    success: bool
    code: int = 0  # of the SMTP reply; 0 when there was none
    enhanced: str = ""
    error: str = ""
    host: str = ""  # the server that was talked to, if any
    ip: str = ""
    id: int = 0
    has_dialogue: bool = False  # with the servers, to be read by `QueueDb.dialogue`
    security: str = ""  # of the connection to the server, in words; "" when there was none


class Ending(Enum):
    """How an attempt leaves a recipient."""

    DELIVERED = 0
    DEFERRED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The result of an attempt, to be written down. Delivered and failed recipients leave the queue."""

    id: int
    ending: Ending
    attempt: Attempt
    dialogue: str = ""
    next_attempt: float = 0.0  # for DEFERRED; 0 keeps what was planned when the attempt began
    keep_until: float = 0.0  # for the others: how long to remember them as retired


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which recipients an operator means: all conditions that are given must hold."""

    ids: tuple[int, ...] = ()
    account: str = ""
    sender: str = ""  # a whole address, or "@domain"
    recipient: str = ""  # likewise
    hold: bool | None = None
    transport: str | None = None
    queued_before: float | None = None
    queued_after: float | None = None
    next_before: float | None = None
    next_after: float | None = None
    limit: int = 0
    oldest_first: bool = True
