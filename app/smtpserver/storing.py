"""Puts a message into one account, or refuses it: the rule it falls under, the verdict, and what follows from it.

A refusal leaves a copy in the mailbox of refused mail, where the account has one; the reply is the same without. A
first contact waits a moment before it is stored: senders of junk seldom wait, and block lists catch up with them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Final

from app import metrics
from app.config.lookup import Destined
from app.errors import MailError
from app.log import logger
from app.smtpserver import answering, evaluated, forwarding, judging, reportmail, stamps
from app.smtpserver.judging import Delivery, Judged, judge_delivery
from app.smtpserver.replies import reply_for
from app.smtpserver.sorting import Letter, find_rule
from app.smtpserver.transaction import Returned
from app.smtpserver.verdict import Reason
from app.smtpserver.work import Work
from app.store.account import messages, rejects
from app.store.account.handle import Account, Tx
from app.store.account.messages import Incoming
from app.store.account.provenance import Provenance
from app.wire.smtp import codes
from app.wire.smtp.address import ForwardPath
from app.wire.smtp.reply import Reply

NOT_JUDGED: Final = Reason.NO_BAD_SIGNALS.value
MAX_TRACE: Final = 8 * 1024  # characters kept for people

log = logger("smtpserver")

_RATE = codes.MAILBOX_FULL.reply("too many messages from your network, try again later")

DELIVERIES = metrics.counter("smtpserver_delivery_total", "Recipients of messages, by result.", ("result", "reason"))
_FAILED = DELIVERIES.labels("error", "store")


def count_rejected(reason: str, count: int = 1) -> None:
    """Note recipients that were refused."""
    DELIVERIES.labels("reject", reason).inc(count)


async def store(work: Work, destined: Destined, path: ForwardPath) -> Reply | None:
    """Put the message into one account; None when it is there for good."""
    if work.remote is not None:
        rates = work.resources.rates
        if not rates.allow_message(destined.account_name, work.remote, work.prepared.body.size):
            count_rejected("high-rate")
            return _RATE
    try:
        return await _judge_and_store(work, destined, path)
    except Exception as error:
        _FAILED.inc()
        return reply_for(error, work.cid)


async def give_back(work: Work, returned: Returned) -> Reply | None:
    """Pass a notice on to the sender of a message that we have forwarded; None when it is in the queue for good."""
    if work.remote is not None and not work.resources.rates.allow_message("", work.remote, work.prepared.body.size):
        count_rejected("high-rate")
        return _RATE
    try:
        await forwarding.give_back(work, returned)
    except Exception as error:
        _FAILED.inc()
        return reply_for(error, work.cid)
    return None


async def _judge_and_store(work: Work, destined: Destined, path: ForwardPath) -> Reply | None:
    fields = stamps.delivered_fields(work.reverse_path, path) + work.fields
    rule = (
        await find_rule(destined.destination.rulesets, _letter(work, fields)) if destined.destination.rulesets else None
    )
    account = await work.resources.accounts.open(destined.account_name)
    if work.evidence is None or work.resources.judges is None:
        mailbox = rule.mailbox if rule is not None else destined.mailbox
        fields = await reportmail.keep(work, destined) + fields
        incoming = Incoming(mailbox=mailbox, prepared=work.prepared, prefix=fields)
        onward = await forwarding.find(work, destined, account, path)
        if onward is None or onward.keeps_copy:
            await account.write(lambda tx: messages.deliver(tx, incoming))
        if onward is not None:
            await forwarding.forward(work, onward)
        DELIVERIES.labels("delivered", NOT_JUDGED).inc()
        await answering.answer(work, destined, account, is_welcome=True)
        return None
    delivery = Delivery(
        account=account,
        destined=destined,
        path=path,
        rule=rule,
        prepared=work.prepared,
        evidence=work.evidence,
        zones=work.zones,
    )
    judged = await judge_delivery(work.resources.judges, delivery)
    evaluated.note(work, delivery, judged.verdict)
    return await _carry_out(work, delivery, judged, fields)


def _letter(work: Work, fields: bytes) -> Letter:
    if work.evidence is not None:
        domains = work.evidence.verified_domains
    else:
        domains = frozenset((work.author.domain,) if work.author is not None else ())
    return Letter(prefix=fields, body=work.prepared.body, mail_from=str(work.reverse_path), verified_domains=domains)


async def _carry_out(work: Work, delivery: Delivery, judged: Judged, fields: bytes) -> Reply | None:
    verdict = judged.verdict
    log.info(
        "message judged",
        cid=work.cid,
        account=delivery.destined.account_name,
        author=delivery.evidence.author,
        reason=verdict.reason,
        words=verdict.words,
        refused=verdict.reply is not None,
        mailbox=verdict.mailbox,
    )
    incoming = _incoming(delivery, judged, stamps.reason_field(verdict) + fields)
    if verdict.reply is not None:
        count_rejected(verdict.reason)
        await _keep_copy(delivery, incoming)
        return await _with_pass(work, delivery, verdict.reply) if verdict.gives_pass else verdict.reply
    incoming = dataclasses.replace(incoming, prefix=await reportmail.keep(work, delivery.destined) + incoming.prefix)
    if verdict.is_delayed:
        await asyncio.sleep(work.first_time_delay_s)
    rejects_mailbox = delivery.destined.account.rejects_mailbox

    def write(tx: Tx) -> None:
        messages.deliver(tx, incoming)
        if rejects_mailbox and not verdict.is_reject:
            rejects.forget(tx, rejects_mailbox, incoming.prepared.message_id)

    onward = None
    if not verdict.is_reject:
        onward = await forwarding.find(work, delivery.destined, delivery.account, delivery.path)
    if onward is None or onward.keeps_copy:
        await delivery.account.write(write)
    if onward is not None:
        await forwarding.forward(work, onward)
    DELIVERIES.labels("delivered", verdict.reason).inc()
    await answering.answer(work, delivery.destined, delivery.account, is_welcome=not verdict.is_reject)
    return None


def _incoming(delivery: Delivery, judged: Judged, prefix: bytes) -> Incoming:
    verdict, author = judged.verdict, delivery.evidence.author
    destination = delivery.destined.account.rejects_mailbox if verdict.reply is not None else verdict.mailbox
    origin = Provenance(
        destined=delivery.mailbox,
        signs=delivery.signs,
        localpart=author.localpart if author is not None else "",
        is_validated=delivery.evidence.is_validated,
        is_reject=verdict.is_reject,
        reason=verdict.reason,
        trace="\n".join(judged.trace)[:MAX_TRACE],
    )
    return Incoming(mailbox=destination, prepared=delivery.prepared, prefix=prefix, provenance=origin)


async def _keep_copy(delivery: Delivery, incoming: Incoming) -> None:
    """Keep what is refused where its holder can see it; no room for it changes nothing about the refusal."""
    if not incoming.mailbox:
        return
    forever = delivery.destined.account.keep_rejects
    await _try_write(delivery.account, lambda tx: rejects.keep(tx, incoming, forever=forever))


async def _try_write(account: Account, write: Callable[[Tx], object]) -> None:
    try:
        await account.write(write)
    except MailError as error:
        log.warn("cannot keep a copy of a refused message", account=account.name, err=error)


async def _with_pass(work: Work, delivery: Delivery, reply: Reply) -> Reply:
    """The refusal with the token that lets the next attempt in."""
    assert work.resources.judges is not None
    token = await judging.give_pass(work.resources.judges, delivery)
    return dataclasses.replace(reply, lines=(f"{reply.text}: {token}",))
