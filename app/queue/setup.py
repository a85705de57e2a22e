"""What the queue is given by the program that runs it.

`LocalDelivery` is how mail for our own addresses is delivered without leaving: the composition root passes a function
that stores the message as the SMTP server would and answers with a reply. `Notify` puts a notification into an
account.
"""

from __future__ import annotations

import mmap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.clock import SYSTEM, Clock
from app.config.lookup import Directory
from app.queue.policies import MtaSts
from app.store.queuedb import Content, QueueDb
from app.store.queuerecords import Queued
from app.store.tlsresults import TlsResult
from app.trust.dkim.sign import Selector
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.smtp.address import IPAddress
from app.wire.smtp.reply import Reply


class Configured(Protocol):
    """The configuration in use; `app.config.live.Live` is one."""

    @property
    def directory(self) -> Directory:
        """The newest snapshot, with whose an address is."""
        ...

    def selectors(self, domain: Domain) -> tuple[Selector, ...]:
        """With which keys mail of this domain is signed."""
        ...


@dataclass(frozen=True, slots=True)
class Local:
    """A message for one of our own addresses."""

    queued: Queued
    prefix: bytes
    body: bytes | mmap.mmap


LocalDelivery = Callable[[Local], Awaitable[Reply]]
Notify = Callable[[str, bytes], Awaitable[None]]
ForwardFailed = Callable[[Queued, str, Content], Awaitable[None]]
ReportRefused = Callable[[Queued, str], Awaitable[None]]
RecordTls = Callable[[TlsResult], None]


async def _drop(_queued: Queued, _words: str, _content: Content) -> None:
    pass


async def _ignore(_queued: Queued, _words: str) -> None:
    pass


def _forget(_result: TlsResult) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that the queue needs."""

    db: QueueDb
    live: Configured
    resolver: Resolver
    deliver_local: LocalDelivery
    notify: Notify  # account name and the notification; an unknown account is for postmaster
    report_refused: ReportRefused = _ignore  # an address that never takes this report of ours, and what was said
    forward_failed: ForwardFailed = _drop  # a forwarded message that its target does not take, and why
    mtasts: MtaSts | None = None  # without it no domain has a policy
    record_tls: RecordTls = _forget  # how the encryption of a connection went, for TLS reports
    clock: Clock = SYSTEM
    is_localserve: bool = False  # everything is delivered here, and special localparts fail
    smtp_port: int = 25  # of other servers; tests have theirs elsewhere
    local_ips: Sequence[IPAddress] = field(default_factory=tuple)  # where we connect from, one per family at most
    own_ips: frozenset[IPAddress] = frozenset()  # where our SMTP listens: never delivered to
