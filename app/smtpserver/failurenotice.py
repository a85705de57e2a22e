"""Tells the sender of an accepted message which of several recipients did not get it (RFC 3464).

Only for messages with some recipients delivered and some not: SMTP has one reply for all of them. Nobody is told about
a message with the null reverse-path (RFC 5321 §4.5.5). A notice that cannot be queued is an error, and the caller's
reply is then 4xx: a recipient who has the message already gets it a second time, but nothing is lost in silence.
"""

from __future__ import annotations

from app import ids
from app.routing import dsn
from app.routing.dsn import Action, Notification, Status
from app.smtpserver.arrival import Arrival
from app.smtpserver.conversation import Conversation
from app.smtpserver.transaction import Transaction
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.wire.message.encodedword import decode_words
from app.wire.smtp.address import NULL_PATH, Address, AddressLiteral, BarePostmaster, ForwardPath
from app.wire.smtp.reply import Reply


async def send(
    conversation: Conversation, transaction: Transaction, arrived: Arrival, failed: list[tuple[ForwardPath, Reply]]
) -> None:
    """Queue the notice about the failed recipients."""
    to = transaction.reverse_path
    if not isinstance(to, Address | AddressLiteral):
        return
    message_id = ids.message_id(conversation.service.hostname.ascii)
    notice = _compose(conversation, arrived, to, message_id, failed)
    await conversation.resources.queue.add(
        NewMessage(
            sender_account="",
            reverse_path=NULL_PATH,
            recipients=(NewRecipient(path=to),),
            body=Body.of(notice),
            message_id=message_id,
            has_8bit=not notice.isascii(),
            smtputf8=not to.is_ascii,
            is_dsn=True,
        )
    )


def _compose(
    conversation: Conversation,
    arrived: Arrival,
    to: Address | AddressLiteral,
    message_id: str,
    failed: list[tuple[ForwardPath, Reply]],
) -> bytes:
    now = conversation.resources.clock.now()
    recipients = [(_address(conversation, path), reply) for path, reply in failed]
    first = recipients[0][0]
    domain = first.domain if isinstance(first, Address) else conversation.service.hostname
    return dsn.compose(
        Notification(
            action=Action.FAILED,
            hostname=conversation.service.hostname.ascii,
            postmaster=Address("postmaster", domain),
            to=to,
            message_id=message_id,
            now=now,
            arrived=now,
            statuses=tuple(
                Status(recipient=path, code=_failure(reply.enhanced), reason=reply.text) for path, reply in recipients
            ),
            original=arrived.header + b"\r\n",
            original_id=arrived.field("Message-Id"),
            subject=decode_words(arrived.field("Subject")),
        )
    )


def _failure(enhanced: str) -> str:
    """The enhanced code as a permanent one: nothing will be tried again for this recipient."""
    return "5" + enhanced[1:] if enhanced else "5.0.0"


def _address(conversation: Conversation, path: ForwardPath) -> Address | AddressLiteral:
    return Address("postmaster", conversation.service.hostname) if isinstance(path, BarePostmaster) else path
