"""One message on its way into accounts: what is common to all its recipients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.limits import IpAddress
from app.smtpserver.conversation import Resources
from app.smtpserver.evidence import Evidence
from app.smtpserver.transaction import Recipient
from app.store.account.prepare import Prepared
from app.store.evaluations import Evaluation
from app.wire.domain import Domain
from app.wire.smtp.address import Address, ReversePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The message, its envelope, and what is known about it."""

    resources: Resources
    cid: int
    remote: IpAddress | None  # None for mail that never left
    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    prepared: Prepared
    fields: bytes  # those of all recipients that go in front; b"" when they stand in the message already
    author: Address | None = None  # verified
    evidence: Evidence | None = None  # None for what nobody doubts
    smtputf8: bool = False  # RFC 6531
    requires_tls: bool = False  # RFC 8689
    zones: Sequence[Domain] = ()  # block lists to ask
    first_time_delay_s: float = 0.0
    evaluations: list[Evaluation] = field(default_factory=list)  # of recipients so far, for one in a DMARC report
