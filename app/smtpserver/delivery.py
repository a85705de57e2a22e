"""Puts a message into accounts, for one recipient at a time: an address, or an alias with its members.

`Work` is what is common to the recipients of a message. The result for each is None, or the reply that says why not.
Nothing is held while the store works, so deliveries on many connections share a commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from app import metrics
from app.config.lookup import AliasFound, Destined
from app.limits import IpAddress
from app.smtpserver import aliases, stamps
from app.smtpserver.conversation import Resources
from app.smtpserver.replies import reply_for
from app.smtpserver.sorting import Letter, find_rule
from app.smtpserver.transaction import Recipient
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import Prepared, prepare
from app.store.spool import Body
from app.wire.smtp import codes
from app.wire.smtp.address import Address, ForwardPath, ReversePath
from app.wire.smtp.reply import Reply

THREAD_BYTES = 64 * 1024  # larger messages are analysed in a thread

UNKNOWN = codes.NO_SUCH_RECIPIENT.reply("no such user")
_ALIAS = codes.ALIAS_NOT_ALLOWED.reply("only members may write to this address")
_RATE = codes.MAILBOX_FULL.reply("too many messages from your network, try again later")

_DELIVERIES = metrics.counter("smtpserver_delivery_total", "Recipients of messages, by result.", ("result", "reason"))
_DELIVERED = _DELIVERIES.labels("delivered", "no-bad-signals")
_FAILED = _DELIVERIES.labels("error", "store")
_REJECTED = {
    reason: _DELIVERIES.labels("reject", reason)
    for reason in ("unknown-user", "loop", "alias-not-allowed", "high-rate", "special")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One message on its way into accounts."""

    resources: Resources
    cid: int
    remote: IpAddress | None  # None for mail that never left
    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    prepared: Prepared
    received: bytes  # our Received field; b"" when it stands in the message already
    author: Address | None = None  # verified


def count_rejected(reason: str, count: int = 1) -> None:
    """Note recipients that were refused for a reason of the message as a whole."""
    _REJECTED[reason].inc(count)


async def prepare_message(body: Body) -> Prepared:
    """All that the store keeps about the message; in a thread when it is large."""
    if body.size <= THREAD_BYTES:
        return prepare(body)
    return await asyncio.to_thread(prepare, body)


async def deliver_all(work: Work) -> list[Reply | None]:
    """The results for all recipients, in their order."""
    return await _together([deliver_one(work, recipient) for recipient in work.recipients])


async def deliver_one(work: Work, recipient: Recipient) -> Reply | None:
    """Deliver for one recipient."""
    found = recipient.found
    if found is None:
        count_rejected("unknown-user")
        return UNKNOWN
    if isinstance(found, Destined):
        return await _store(work, found, recipient.path)
    return await _deliver_to_members(work, found, recipient.path)


async def _together(works: list[Coroutine[Any, Any, Reply | None]]) -> list[Reply | None]:
    """The results of all, which run at the same time so that they commit together."""
    if len(works) == 1:
        return [await works[0]]
    return list(await asyncio.gather(*works))


async def _deliver_to_members(work: Work, found: AliasFound, path: ForwardPath) -> Reply | None:
    """Deliver to an alias; it is enough when one member gets the message."""
    author_found = work.resources.directory.find(work.author) if work.author is not None else None
    if not aliases.may_post(found, work.author, author_found):
        count_rejected("alias-not-allowed")
        return _ALIAS
    direct = [one.found for one in work.recipients if isinstance(one.found, Destined)]
    chosen = aliases.members(found, direct, author_found)
    results = await _together([_store(work, member, path) for member in chosen])
    return None if not results or None in results else results[0]


async def _store(work: Work, destined: Destined, path: ForwardPath) -> Reply | None:
    """Put the message into one account; None when it is there for good."""
    if work.remote is not None:
        rates = work.resources.rates
        if not rates.allow_message(destined.account_name, work.remote, work.prepared.body.size):
            count_rejected("high-rate")
            return _RATE
    prefix = stamps.delivered_fields(work.reverse_path, path) + work.received
    try:
        incoming = Incoming(
            mailbox=await _mailbox(work, destined, prefix) if destined.destination.rulesets else destined.mailbox,
            prepared=work.prepared,
            prefix=prefix,
        )
        account = await work.resources.accounts.open(destined.account_name)
        await account.write(lambda tx: messages.deliver(tx, incoming))
    except Exception as error:
        _FAILED.inc()
        return reply_for(error, work.cid)
    _DELIVERED.inc()
    return None


async def _mailbox(work: Work, destined: Destined, prefix: bytes) -> str:
    """The mailbox that the first matching rule says, or that of the address."""
    letter = Letter(
        prefix=prefix,
        body=work.prepared.body,
        mail_from=str(work.reverse_path),
        verified_domains=frozenset((work.author.domain,) if work.author is not None else ()),
    )
    rule = await find_rule(destined.destination.rulesets, letter)
    return rule.mailbox if rule is not None else destined.mailbox
