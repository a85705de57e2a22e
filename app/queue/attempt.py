"""One attempt for a group of recipients: which way it goes, and what came of it.

In this order: an operator has given up on it; the sender's domain is disabled; the account has suppressed the address;
localserve's special localparts; our own addresses (in localserve: every address), which never leave; the transport that
was pinned or that the routes choose; and otherwise directly to the recipient's servers. A way that is not set up makes
mail wait, not fail, as the mistake is ours.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from app.config.transports import Transport
from app.errors import MailError
from app.log import logger
from app.metrics import PANICS, counter, histogram
from app.net.dialogue import Dialogue
from app.queue.delivery import Delivery
from app.queue.gather import Group
from app.queue.links import Links, Target
from app.queue.outcome import Handover, Outcome, Result, deferred, failed, of_reply
from app.queue.setup import Local, Setup
from app.queue.shipment import Shipment
from app.queue.specials import special_outcome
from app.queue.targets import (
    SMTP_PORT,
    SUBMISSION_PORT,
    Families,
    Smarthost,
    direct_targets,
    proxied,
    smarthost_targets,
    starttls,
    submissions,
)
from app.routing.routes import choose
from app.store.queuedb import Content
from app.store.queuerecords import Ending, Queued
from app.wire.smtp.address import Address, IPAddress
from app.wire.smtp.reply import reply

log = logger("queue")
_durations = histogram(
    "queue_delivery_duration_seconds", "Attempts, by what came of them.", ("attempt", "transport", "tlsmode", "result")
)
_destinations = counter("queue_destinations_total", "Attempts to deliver directly to a domain's servers.")

_SUPPRESSED = failed("5.7.1", "This account does not send to the address; it is on its list of suppressed addresses.")


@dataclass(slots=True)
class Attempted:
    """The results of a group and how long it took."""

    results: list[Result]
    started: float
    duration_s: float
    dialogue: Dialogue | None = None  # with the servers
    security: str = ""  # of the connection, in words


class Attempts:
    """Makes attempts; one object for the whole queue."""

    def __init__(self, setup: Setup, links: Links) -> None:
        self._setup = setup
        self._links = links

    async def make(self, group: Group) -> Attempted:
        """Attempt a group. Never raises but for cancellation: trouble of our own makes the group wait."""
        started, clock = self._setup.clock.now(), time.monotonic()
        way = _Way()
        try:
            outcomes = await self._outcomes(group, way)
        except MailError as err:
            log.error("delivery attempt failed for a reason of our own", err=err, id=group.first.id)
            outcomes = [deferred("4.3.0", "This server had trouble of its own.")] * len(group.rows)
        except Exception as err:  # a mistake in this program must not stop the queue
            PANICS.labels("queue").inc()
            log.error("delivery attempt broke", err=repr(err), id=group.first.id)
            outcomes = [deferred("4.3.0", "This server had trouble of its own.")] * len(group.rows)
        duration = time.monotonic() - clock
        results = [Result(row, outcome) for row, outcome in zip(group.rows, outcomes, strict=True)]
        _report(results, way, duration)
        return Attempted(results, started, duration, way.dialogue, way.security)

    async def _outcomes(self, group: Group, way: _Way) -> list[Outcome]:
        first = group.first
        count = len(group.rows)
        if first.fail_now:
            return [failed("5.0.0", "The operator of this server has given up on the message.")] * count
        sender = first.reverse_path
        if isinstance(sender, Address) and self._setup.live.directory.is_disabled(sender.domain):
            return [deferred("4.3.2", f"The domain {sender.domain} is switched off on this server.")] * count
        suppressed = await self._setup.db.suppressions.among(
            first.sender_account, [row.recipient for row in group.rows]
        )
        left = tuple(row for row in group.rows if row.recipient not in suppressed)
        outcomes = iter(await self._wanted(Group(left), way) if left else ())
        return [_SUPPRESSED if row.recipient in suppressed else next(outcomes) for row in group.rows]

    async def _wanted(self, group: Group, way: _Way) -> list[Outcome]:
        first = group.first
        content = await self._setup.db.content(first.base_id)
        if self.stays_here(first):
            way.transport = "local"
            return list(await asyncio.gather(*(self._deliver_here(row, content) for row in group.rows)))
        return await self._send(group, content, way)

    def stays_here(self, row: Queued) -> bool:
        """Whether the recipient is delivered on this server."""
        if self._setup.is_localserve:
            return True
        return isinstance(row.recipient, Address) and self._setup.live.directory.is_local(row.recipient.domain)

    async def _deliver_here(self, row: Queued, content: Content) -> Outcome:
        if self._setup.is_localserve and (special := special_outcome(row)) is not None:
            return special
        answer = await self._setup.deliver_local(Local(row, content.prefix, content.body))
        outcome = of_reply(answer, self._setup.live.directory.static.hostname.ascii)
        return replace(outcome, handover=Handover.HERE)

    async def _send(self, group: Group, content: Content, way: _Way) -> list[Outcome]:
        static = self._setup.live.directory.static
        name = group.first.transport or self._routed(group.first)
        transport = static.transports.get(name) if name else None
        way.transport = name or "direct"
        if name and transport is None:
            return [deferred("4.3.5", f"The transport {name} is not set up.")] * len(group.rows)
        if transport is not None and transport.fail is not None:
            code = transport.fail.smtp_code
            refusal = reply(code, f"{code // 100}.7.0", transport.fail.smtp_message)
            return [of_reply(refusal, static.hostname.ascii)] * len(group.rows)
        socks = transport.socks if transport is not None else None
        hostname = socks.remote_hostname if socks is not None else static.hostname
        shipment = Shipment(self._setup.live, self._setup.clock.now(), group, content)
        delivery = Delivery(self._links, hostname.ascii, shipment)
        way.dialogue = delivery.dialogue
        if transport is not None and (smarthost := _smarthost(transport)) is not None:
            outcomes = await delivery.through(smarthost_targets(self._setup, smarthost))
        else:
            _destinations.inc()
            outcomes = await delivery.through(await self._direct(group.first, transport))
        way.tls_mode, way.security = delivery.tls_mode, delivery.security
        return outcomes

    async def _direct(self, row: Queued, transport: Transport | None) -> AsyncIterator[Target]:
        """The recipient's own servers, straight or by way of a proxy."""
        last = await self._last_address(row)
        if transport is not None and transport.socks is not None:
            socks = transport.socks
            return proxied(direct_targets(self._setup, row, Families.behind(socks), last), socks)
        families = Families.of(transport.direct if transport else None)
        return direct_targets(self._setup, row, families, last)

    def _routed(self, row: Queued) -> str | None:
        """The transport by the routes of the account, of the sender's domain, and of all."""
        dynamic = self._setup.live.directory.dynamic
        account = dynamic.accounts.get(row.sender_account)
        sender = row.reverse_path
        domain = dynamic.domains.get(sender.domain) if isinstance(sender, Address) else None
        routes = (*(account.routes if account else ()), *(domain.routes if domain else ()), *dynamic.routes)
        sender_domain = sender.domain.ascii if isinstance(sender, Address) else ""
        return choose(routes, sender_domain, row.domain, row.attempts - 1) if routes else None

    async def _last_address(self, row: Queued) -> IPAddress | None:
        """Where the latest attempt ended."""
        if row.attempts <= 1:
            return None
        ips = [one.ip for one in await self._setup.db.attempts(row.id) if one.ip]
        return ipaddress.ip_address(ips[-1]) if ips else None


@dataclass(slots=True)
class _Way:
    """How an attempt went, for those who watch."""

    transport: str = "none"
    tls_mode: str = "none"
    security: str = ""
    dialogue: Dialogue | None = None


def _smarthost(transport: Transport) -> Smarthost | None:
    if transport.submissions is not None:
        return submissions(transport.submissions)
    if transport.submission is not None:
        return starttls(transport.submission, SUBMISSION_PORT)
    if transport.smtp is not None:
        return starttls(transport.smtp, SMTP_PORT)
    return None


def _report(results: list[Result], way: _Way, duration: float) -> None:
    for result in results:
        row, outcome = result.queued, result.outcome
        word = outcome.ending.name.lower()
        _durations.labels(min(row.attempts, 9), way.transport, way.tls_mode, word).observe(duration)
        write = log.info if outcome.ending is Ending.DELIVERED else log.warn
        write(
            f"delivery {word}",
            id=row.id,
            to=row.recipient,
            attempt=row.attempts,
            transport=way.transport,
            tls=way.security or way.tls_mode,
            host=outcome.host or None,
            reply=outcome.reply,
            reason=outcome.reason or None,
        )
