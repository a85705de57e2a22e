"""A short message that shows whether mail from here arrives elsewhere: signed and queued like any other.

It goes out once and is not tried for days: a test that takes that long has failed. Raises Refusal for an address that
cannot be, or one of our own, as mail to ourselves proves nothing.
"""

from __future__ import annotations

import asyncio

from app import ids
from app.clock import Clock, utc
from app.config.live import Live
from app.errors import Refusal, WireError
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.trust.dkim.sign import sign
from app.wire.message.compose import fold, text, wrap, write_field, write_message
from app.wire.message.dates import write_date
from app.wire.smtp.address import Address, parse_address

SUBJECT = "Mail from your new server"
MAX_ATTEMPTS = 4
KEEP_RESULT_S = 7 * 86400.0
_TEXT = """\
Hello,

this message was sent by your new mail server {host} in the name of {sender}. You read it, so mail from there arrives
here.

Was it among the junk? Then mark it as "not junk", and look at the DNS records and the reverse name of the server: its
set-up page and its administrator pages say which are missing.
"""


async def send_test(live: Live, queue: QueueDb, clock: Clock, sender: Address, recipient: str) -> str:
    """Queue the message; its Message-ID. `sender` is an address of ours."""
    to = _recipient(live, recipient)
    hostname = live.static.hostname.ascii
    message_id = ids.message_id(hostname)
    now = clock.now()
    fields = [
        fold("From", f"<{sender}>"),
        fold("To", f"<{to}>"),
        write_field("Subject", SUBJECT),
        fold("Date", write_date(utc(now))),
        fold("Message-Id", message_id),
        fold("Auto-Submitted", "auto-generated"),  # RFC 3834 §5
    ]
    message = write_message(fields, text(wrap(_TEXT.format(host=hostname, sender=sender))))
    signatures = await asyncio.to_thread(sign, message, live.selectors(sender.domain), identity=sender, now=int(now))
    await queue.add(
        NewMessage(
            sender_account=_account_of(live, sender),
            reverse_path=sender,
            recipients=(NewRecipient(path=to),),
            body=Body.of(message),
            prefix=signatures,
            message_id=message_id,
            subject=SUBJECT,
            max_attempts=MAX_ATTEMPTS,
            keep_result_s=KEEP_RESULT_S,
        )
    )
    return message_id


def _recipient(live: Live, typed: str) -> Address:
    try:
        to = parse_address(typed)
    except WireError as error:
        raise Refusal(f"{typed!r} is not a mail address: {error.message}") from None
    if to.domain in live.dynamic.domains:
        raise Refusal("this address is on this server; give one that you have elsewhere")
    return to


def _account_of(live: Live, sender: Address) -> str:
    for name in live.dynamic.accounts:
        if live.directory.may_send_as(name, sender):
            return name
    raise Refusal(f"{sender} is not an address of this server")
