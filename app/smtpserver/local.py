"""Delivers a message of our own queue to an address here, without a connection: as if it had come by SMTP.

    reply = await deliver(resources, LocalMessage(...))      # the queue takes it like a remote server's reply

The author was checked when the message was submitted, so private aliases know their members. Fields that were added at
submission become part of the stored message, as other recipients see them too.
"""

from __future__ import annotations

import asyncio
import mmap
from dataclasses import dataclass

from app import ids
from app.smtpserver import delivery
from app.smtpserver.arrival import arrival
from app.smtpserver.conversation import Resources
from app.smtpserver.delivery import THREAD_BYTES
from app.smtpserver.rcptto import configured_refusal, find
from app.smtpserver.replies import reply_for
from app.smtpserver.transaction import Recipient
from app.smtpserver.work import Work
from app.store.spool import Body, Spool
from app.wire.smtp import codes
from app.wire.smtp.address import Address, AddressLiteral, ReversePath
from app.wire.smtp.params import NO_RCPT_PARAMS
from app.wire.smtp.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMessage:
    """One recipient of a queued message."""

    reverse_path: ReversePath
    recipient: Address | AddressLiteral
    prefix: bytes
    data: bytes | mmap.mmap
    smtputf8: bool = False
    requires_tls: bool = False


async def deliver(resources: Resources, message: LocalMessage) -> Reply:
    """Deliver for one recipient; the reply that an SMTP server would have given."""
    found = find(resources, message.recipient)
    recipient = Recipient(message.recipient, NO_RCPT_PARAMS, found)
    if (refusal := configured_refusal(found)) is not None:
        return refusal
    cid = ids.connection_id()
    body: Body | None = None
    try:
        body = await _whole(resources, message)
        work = Work(
            resources=resources,
            cid=cid,
            remote=None,
            reverse_path=message.reverse_path,
            recipients=(recipient,),
            prepared=await delivery.prepare_message(body),
            fields=b"",
            author=arrival(body).author(),
            smtputf8=message.smtputf8,
            requires_tls=message.requires_tls,
        )
        return await delivery.deliver_one(work, recipient) or codes.MESSAGE_OK.reply("delivered here")
    except Exception as error:
        return reply_for(error, cid)
    finally:
        if body is not None:
            body.discard()


async def _whole(resources: Resources, message: LocalMessage) -> Body:
    """Prefix and body as one, in a temporary file when it is large."""

    def work() -> Body:
        spool = Spool(resources.accounts.tmp_dir)
        spool.write(message.prefix)
        spool.write(message.data[:])
        return spool.finish()

    return work() if len(message.data) <= THREAD_BYTES else await asyncio.to_thread(work)
