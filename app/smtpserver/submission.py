"""A message from one of our users: check its author, complete its header, sign it, queue it.

Every recipient goes through the queue, also those that live here; the queue delivers them without leaving. What is
added stands in front of the message, so its bytes stay as they came: Authentication-Results, Received, the DKIM
signatures, then Message-Id and Date where they were missing (RFC 6409 §8). What an account may send in a day is
limited. A copy in Sent is the mail program's
business.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app import ids, metrics
from app.clock import utc
from app.config.dynamic import DEFAULT_MAX_FIRST_TIME_RECIPIENTS_PER_DAY, DEFAULT_MAX_OUTGOING_PER_DAY
from app.errors import MessageSyntaxError
from app.log import logger
from app.smtpserver import specials, stamps
from app.smtpserver.arrival import Arrival, arrival
from app.smtpserver.conversation import Conversation
from app.smtpserver.delivery import THREAD_BYTES
from app.smtpserver.replies import SmtpRefusal
from app.smtpserver.specials import Moment
from app.smtpserver.transaction import Recipient, Transaction
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.store.submitted import SendLimit, SendLimitReached, SendLimits
from app.trust.dkim.sign import CannotSign, Selector, sign
from app.wire.message.dates import write_date
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_fields, has_field
from app.wire.smtp import codes
from app.wire.smtp.address import Address, AddressLiteral, BarePostmaster
from app.wire.smtp.reply import Reply
from app.wire.smtp.xtext import encode_original_recipient, encode_xtext

log = logger("smtpserver")

_SUBMISSIONS = metrics.counter("smtpserver_submission_total", "Messages from signed-in users, by result.", ("result",))
_OK = _SUBMISSIONS.labels("ok")
_BAD_FROM = _SUBMISSIONS.labels("badfrom")
_BAD_MESSAGE = _SUBMISSIONS.labels("badmessage")
_ERROR = _SUBMISSIONS.labels("queueerror")
_LIMITED = {
    SendLimit.RECIPIENTS: _SUBMISSIONS.labels("messagelimiterror"),
    SendLimit.FIRST_TIME: _SUBMISSIONS.labels("recipientlimiterror"),
}


@dataclass(frozen=True, slots=True)
class Completed:
    """What goes in front of the message, and what is known of its bytes."""

    prefix: bytes
    has_8bit: bool
    message_id: str


async def submit(conversation: Conversation, transaction: Transaction, body: Body) -> Reply:
    """Queue the message for all recipients; the reply to the end of data."""
    arrived = arrival(body)
    if arrived.is_looping:
        raise SmtpRefusal(codes.MAIL_LOOP, "the message has passed so many servers that it must be in a loop")
    if not arrived.is_well_formed:
        _BAD_MESSAGE.inc()
        raise SmtpRefusal(codes.BAD_MESSAGE, "a line of the header is no header field")
    author = _check_author(conversation, arrived)
    for recipient in transaction.recipients:
        if specials.is_special(conversation, recipient.path, Moment.MESSAGE):
            raise await specials.fail(conversation, recipient.path)
    completed = await _complete(conversation, transaction, arrived, author)
    try:
        new = _new_message(conversation, transaction, arrived, completed)
        await conversation.resources.queue.add(new, _limits(conversation))
    except SendLimitReached as error:
        _LIMITED[error.limit].inc()
        raise
    except Exception:
        _ERROR.inc()
        raise
    _OK.inc()
    conversation.good_transactions += 1
    _log(conversation, transaction, body)
    return codes.MESSAGE_OK.reply(f"message queued ({transaction.id})")


def _check_author(conversation: Conversation, arrived: Arrival) -> Address:
    """The one author, who must be the account's; others could be told anything otherwise."""
    assert conversation.signed_in is not None
    account_name = conversation.signed_in.account_name
    try:
        authors = arrived.authors()
    except MessageSyntaxError as error:
        _BAD_MESSAGE.inc()
        raise SmtpRefusal(codes.NOT_ALLOWED, f"{error.message}; exactly one From address is needed") from None
    if len(authors) != 1:
        _BAD_MESSAGE.inc()
        raise SmtpRefusal(codes.NOT_ALLOWED, "exactly one From address is needed")
    if not conversation.resources.directory.may_send_as(account_name, authors[0]):
        _BAD_FROM.inc()
        raise SmtpRefusal(codes.NOT_ALLOWED, "the From address must be one of the signed-in account")
    return authors[0]


async def _complete(
    conversation: Conversation, transaction: Transaction, arrived: Arrival, author: Address
) -> Completed:
    hostname = conversation.service.hostname.ascii
    now = conversation.resources.clock.now()
    message_id = arrived.field("Message-Id")
    added = b""
    if not message_id:
        message_id = ids.message_id(hostname)
        added += f"Message-Id: {message_id}\r\n".encode()
    if not has_field(arrived.header, "Date"):
        added += f"Date: {write_date(utc(now))}\r\n".encode()
    selectors = conversation.resources.live.selectors(author.domain)
    fields, is_ascii = await _sign(added, arrived, selectors, author, int(now))
    stamped = stamps.submission_result(conversation, transaction) + stamps.received(conversation, transaction)
    return Completed(stamped + fields + added, has_8bit=not is_ascii, message_id=message_id)


async def _sign(
    added: bytes, arrived: Arrival, selectors: tuple[Selector, ...], author: Address, now: int
) -> tuple[bytes, bool]:
    """The signatures, and whether the message is ASCII; in a thread when it is large."""

    def work() -> tuple[bytes, bool]:
        message = added + arrived.body.data[:]
        try:
            return sign(message, selectors, identity=author, now=now), message.isascii()
        except CannotSign as error:
            _BAD_MESSAGE.inc()
            raise SmtpRefusal(codes.BAD_MESSAGE, "the header of the message is broken", str(error)) from None

    return work() if arrived.body.size <= THREAD_BYTES else await asyncio.to_thread(work)


def _new_message(
    conversation: Conversation, transaction: Transaction, arrived: Arrival, completed: Completed
) -> NewMessage:
    assert conversation.signed_in is not None
    not_before, future_release = _future_release(conversation, transaction)
    recipients = tuple(_recipient(conversation, one) for one in transaction.recipients)
    return NewMessage(
        sender_account=conversation.signed_in.account_name,
        reverse_path=transaction.reverse_path,
        recipients=recipients,
        body=arrived.body,
        prefix=completed.prefix,
        message_id=completed.message_id,
        subject=decode_words(arrived.field("Subject")),
        has_8bit=completed.has_8bit,
        smtputf8=_needs_smtputf8(transaction, arrived),
        require_tls=_require_tls(transaction, arrived),
        not_before=not_before,
        future_release=future_release,
        ret=transaction.params.ret or "",
        envid=encode_xtext(transaction.params.envid or ""),
    )


def _recipient(conversation: Conversation, recipient: Recipient) -> NewRecipient:
    """A recipient with what it asks for in notices, as the next server will be told (RFC 3461 §4)."""
    params = recipient.params
    return NewRecipient(
        path=_path(conversation, recipient.path),
        notify=",".join(sorted(word.value for word in params.notify or ())),
        orcpt=encode_original_recipient(*params.orcpt) if params.orcpt else "",
    )


def _limits(conversation: Conversation) -> SendLimits:
    assert conversation.signed_in is not None
    account = conversation.resources.live.dynamic.accounts[conversation.signed_in.account_name]
    return SendLimits(
        recipients=account.max_outgoing_messages_per_day or DEFAULT_MAX_OUTGOING_PER_DAY,
        first_time=account.max_first_time_recipients_per_day or DEFAULT_MAX_FIRST_TIME_RECIPIENTS_PER_DAY,
    )


def _require_tls(transaction: Transaction, arrived: Arrival) -> bool | None:
    """What is demanded of TLS on the way; REQUIRETLS counts for more than the field (RFC 8689 §5)."""
    if transaction.params.requiretls:
        return True
    values = find_fields(arrived.header, "TLS-Required")
    return False if len(values) == 1 and values[0].strip().lower() == "no" else None


def _path(conversation: Conversation, path: Address | AddressLiteral | BarePostmaster) -> Address | AddressLiteral:
    return Address("postmaster", conversation.service.hostname) if isinstance(path, BarePostmaster) else path


def _needs_smtputf8(transaction: Transaction, arrived: Arrival) -> bool:
    """Whether the next server must know SMTPUTF8, whatever the client said (RFC 6531 §3.6)."""
    paths = (transaction.reverse_path, *(recipient.path for recipient in transaction.recipients))
    return not arrived.header.isascii() or not all(path.is_ascii for path in paths)


def _future_release(conversation: Conversation, transaction: Transaction) -> tuple[float, str]:
    """When delivery may begin, and the request in words (RFC 4865)."""
    params = transaction.params
    if params.hold_for is not None:
        return conversation.resources.clock.now() + params.hold_for, f"for;{params.hold_for}"
    if params.hold_until is not None:
        return float(params.hold_until), f"until;{utc(params.hold_until):%Y-%m-%dT%H:%M:%SZ}"
    return 0.0, ""


def _log(conversation: Conversation, transaction: Transaction, body: Body) -> None:
    assert conversation.signed_in is not None
    log.info(
        "message submitted",
        cid=conversation.cid,
        id=transaction.id,
        account=conversation.signed_in.account_name,
        mailfrom=transaction.reverse_path,
        rcptto=transaction.recipients[0].path,
        recipients=len(transaction.recipients),
        size=body.size,
    )
