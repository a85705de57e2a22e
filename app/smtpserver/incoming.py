"""A message from another server, all of it here: refuse it, or deliver it to accounts.

Each recipient has a result of its own. When all fail, the sending server is told why and keeps the message; when only
some do, the message is taken and the sender gets a notification about those, as SMTP has one reply for all.

The order: loops first, then what judges the message as a whole, then `delivery` for each recipient.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from app.config.lookup import Destined
from app.junk.subjectpass import without_tokens
from app.log import logger
from app.smtpserver import delivery, evaluated, failurenotice, specials, stamps
from app.smtpserver.arrival import MAX_HEADER, Arrival, arrival
from app.smtpserver.conversation import Conversation
from app.smtpserver.delivery import UNKNOWN
from app.smtpserver.evidence import Evidence
from app.smtpserver.forgeries import without_forgeries
from app.smtpserver.specials import Moment
from app.smtpserver.storing import count_rejected
from app.smtpserver.transaction import Recipient, Transaction
from app.smtpserver.work import Work
from app.store.spool import Body
from app.wire.domain import Domain
from app.wire.smtp import codes
from app.wire.smtp.address import ForwardPath
from app.wire.smtp.reply import Reply

MAX_NAMED = 20  # recipients in one reply

log = logger("smtpserver")

_LOOP = codes.MAIL_LOOP.reply("the message has passed so many servers that it must be in a loop")

_AUTHORS = codes.BAD_MESSAGE.reply("the message has more than one From field, so nobody can tell who it is from")
_HEADER = codes.BAD_MESSAGE.reply(f"the header of the message is longer than {MAX_HEADER} bytes")


async def deliver(conversation: Conversation, transaction: Transaction, body: Body) -> Reply:
    """Deliver to every recipient; the reply to the end of data."""
    arrived = arrival(body)
    count = len(transaction.recipients)
    if arrived.is_looping:
        count_rejected("loop", count)
        return _refuse(conversation, transaction, body, _LOOP)
    unclear = _unclear(arrived) if conversation.resources.judges is not None else None
    if unclear is not None:
        count_rejected("unclear-author", count)
        return _refuse(conversation, transaction, body, unclear)
    if all(recipient.found is None for recipient in transaction.recipients):
        count_rejected("unknown-user", count)
        await asyncio.sleep(conversation.resources.delays.unknown_recipient_s)
        return _refuse(conversation, transaction, body, UNKNOWN)
    await _fail_specials(conversation, transaction)
    work = await _work(conversation, transaction, arrived)
    try:
        results = await delivery.deliver_all(work)
    finally:
        work.prepared.body.discard()
    evaluated.record(work)
    return await _conclude(conversation, transaction, arrived, results)


def _unclear(arrived: Arrival) -> Reply | None:
    """Why a mail program may show another author than is checked."""
    if arrived.is_too_long:
        return _HEADER
    return _AUTHORS if arrived.has_several_authors else None


async def _fail_specials(conversation: Conversation, transaction: Transaction) -> None:
    for recipient in transaction.recipients:
        if specials.is_special(conversation, recipient.path, Moment.MESSAGE):
            count_rejected("special")
            raise await specials.fail(conversation, recipient.path)


async def _work(conversation: Conversation, transaction: Transaction, arrived: Arrival) -> Work:
    evidence = await _evidence(conversation, transaction, arrived)
    resources = conversation.resources
    body = await without_forgeries(arrived, resources.directory.hostnames, resources.accounts.tmp_dir)
    is_known = evidence is not None and evidence.is_validated
    fields = evidence.fields if evidence is not None else b""
    reverse_name = evidence.reverse_name if evidence is not None else ""
    return Work(
        resources=resources,
        cid=conversation.cid,
        remote=conversation.remote,
        reverse_path=transaction.reverse_path,
        recipients=tuple(transaction.recipients),
        prepared=await delivery.prepare_message(body),
        fields=fields + stamps.received(conversation, transaction, reverse_name),
        author=evidence.author if evidence is not None and is_known else None,
        evidence=evidence,
        smtputf8=transaction.params.smtputf8,
        requires_tls=transaction.params.requiretls,
        zones=conversation.service.zones,
        first_time_delay_s=conversation.service.first_time_delay_s,
    )


async def _evidence(conversation: Conversation, transaction: Transaction, arrived: Arrival) -> Evidence | None:
    """What the checks find; None when mail is taken as it comes."""
    judges = conversation.resources.judges
    if judges is None:
        return None
    known = [frozenset(_forwarders(one)) for one in transaction.recipients if one.found is not None]
    # What one recipient trusts must not let a message in to another.
    trusted = frozenset[Domain]().union(*known).intersection(*known)
    return await judges.authenticate(conversation.origin(transaction.reverse_path), arrived, trusted)


def _forwarders(recipient: Recipient) -> Iterator[Domain]:
    """The domains that rules of the recipient name as forwarders or mailing lists."""
    rules = recipient.found.destination.rulesets if isinstance(recipient.found, Destined) else ()
    for rule in rules:
        if rule.is_forward and rule.verified_domain is not None:
            yield rule.verified_domain
        if rule.list_allow_domain is not None:
            yield rule.list_allow_domain


async def _conclude(
    conversation: Conversation, transaction: Transaction, arrived: Arrival, results: list[Reply | None]
) -> Reply:
    """One reply for all recipients."""
    failed = [
        (recipient.path, reply)
        for recipient, reply in zip(transaction.recipients, results, strict=True)
        if reply is not None
    ]
    if len(failed) == len(results):
        return _refuse(conversation, transaction, arrived.body, joined(failed))
    if failed:
        await failurenotice.send(conversation, transaction, arrived, failed)
    conversation.good_transactions += 1
    reply = codes.MESSAGE_OK.reply(f"message accepted ({transaction.id})")
    _log(conversation, transaction, arrived.body, "message delivered", reply)
    return reply


def joined(failed: list[tuple[ForwardPath, Reply]]) -> Reply:
    """The reply when no recipient got the message: the common one, or a line for each."""
    replies = [reply for _, reply in failed]
    if all(reply == replies[0] for reply in replies):
        return replies[0]
    # One that may succeed later makes the sender try all again; those that exist no more are refused again then.
    status = next((reply for reply in replies if not reply.is_permanent), replies[0])
    lines = [f"<{path}>: {reply.text}" for path, reply in failed[:MAX_NAMED]]
    if len(failed) > MAX_NAMED:
        lines.append(f"and {len(failed) - MAX_NAMED} more recipients")
    return Reply(status.code, status.enhanced, tuple(lines))


def _refuse(conversation: Conversation, transaction: Transaction, body: Body, reply: Reply) -> Reply:
    conversation.bad_transactions += 1
    _log(conversation, transaction, body, "message refused", reply)
    return reply


def _log(conversation: Conversation, transaction: Transaction, body: Body, message: str, reply: Reply) -> None:
    log.info(
        message,
        cid=conversation.cid,
        id=transaction.id,
        mailfrom=transaction.reverse_path,
        rcptto=transaction.recipients[0].path,
        recipients=len(transaction.recipients),
        size=body.size,
        code=reply.code,
        reason=without_tokens(reply.text) if reply.code >= 400 else None,
    )
