"""Short messages that the server itself writes in the name of one of its addresses: made, signed and queued."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app import ids
from app.clock import Clock, utc
from app.config.live import Live
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.trust.dkim.sign import sign
from app.wire.message.compose import fold, text, wrap, write_field, write_message
from app.wire.message.dates import write_date
from app.wire.smtp.address import Address, ReversePath


@dataclass(frozen=True, slots=True)
class Post:
    """What mail of ours goes out with."""

    live: Live
    queue: QueueDb
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is written to whom."""

    account: str  # in whose name it is in the queue
    sender: Address
    to: Address
    subject: str
    text: str
    reverse_path: ReversePath
    max_attempts: int
    keep_result_s: float = 0.0


async def send(post: Post, letter: Letter) -> str:
    """Queue it; its Message-ID. Raises what the queue and the keys raise."""
    message_id, now = ids.message_id(post.live.static.hostname.ascii), post.clock.now()
    fields = [
        fold("From", f"<{letter.sender.wire}>"),
        fold("To", f"<{letter.to.wire}>"),
        write_field("Subject", letter.subject),
        fold("Date", write_date(utc(now))),
        fold("Message-Id", message_id),
        fold("Auto-Submitted", "auto-generated"),  # RFC 3834 §5
    ]
    message = write_message(fields, text(wrap(letter.text)))
    selectors = post.live.selectors(letter.sender.domain)
    signatures = await asyncio.to_thread(sign, message, selectors, identity=letter.sender, now=int(now))
    await post.queue.add(
        NewMessage(
            sender_account=letter.account,
            reverse_path=letter.reverse_path,
            recipients=(NewRecipient(path=letter.to),),
            body=Body.of(message),
            prefix=signatures,
            message_id=message_id,
            subject=letter.subject,
            has_8bit=not message.isascii(),
            smtputf8=not (letter.sender.is_ascii and letter.to.is_ascii),
            max_attempts=letter.max_attempts,
            keep_result_s=letter.keep_result_s,
        )
    )
    return message_id
