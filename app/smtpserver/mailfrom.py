"""MAIL: who the message comes from, and whether a transaction may begin."""

from __future__ import annotations

from app.smtpserver import specials
from app.smtpserver.conversation import Answer, Conversation
from app.smtpserver.greeting import MAX_FUTURE_RELEASE_S
from app.smtpserver.specials import Moment
from app.smtpserver.transaction import Transaction
from app.wire.smtp import codes
from app.wire.smtp.address import Address, AddressLiteral
from app.wire.smtp.command import Mail
from app.wire.smtp.reply import Reply

MAX_BAD_TRANSACTIONS = 10


def mail(conversation: Conversation, command: Mail) -> Answer:
    """MAIL: open a transaction."""
    refusal = _refusal(conversation, command)
    if refusal is not None:
        return refusal
    if specials.is_special(conversation, command.reverse_path, Moment.MAIL):
        return _fail(conversation, command)
    conversation.transaction = Transaction(
        reverse_path=command.reverse_path, params=command.params, tmp_dir=conversation.resources.accounts.tmp_dir
    )
    return codes.SENDER_OK.reply("sender ok")


async def _fail(conversation: Conversation, command: Mail) -> Reply:
    raise await specials.fail(conversation, command.reverse_path)


def _refusal(conversation: Conversation, command: Mail) -> Reply | None:
    path = command.reverse_path
    if conversation.bad_transactions > MAX_BAD_TRANSACTIONS and not conversation.good_transactions:
        conversation.must_close = True
        return codes.TOO_MANY_FAULTS.reply("too many failed transactions on this connection")
    if conversation.service.kind.is_submission and conversation.signed_in is None:
        return codes.AUTH_REQUIRED.reply("authentication required")
    if isinstance(path, AddressLiteral):
        return codes.DOMAIN_NAME_REQUIRED.reply("a domain name is required in the sender's address")
    if conversation.service.kind.is_submission:
        return _submission_refusal(conversation, command)
    return None


def _submission_refusal(conversation: Conversation, command: Mail) -> Reply | None:
    path = command.reverse_path
    directory = conversation.resources.directory
    assert conversation.signed_in is not None
    if not isinstance(path, Address) or not directory.may_send_as(conversation.signed_in.account_name, path):
        return codes.NOT_ALLOWED.reply("the sender's address must be one of the signed-in account")
    if directory.is_disabled(path.domain):
        return codes.INTERNAL_ERROR.reply("the sender's domain is disabled here")
    return _future_release_refusal(conversation, command)


def _future_release_refusal(conversation: Conversation, command: Mail) -> Reply | None:
    """Whether the message shall be held for too long (RFC 4865 §4)."""
    params = command.params
    seconds = params.hold_for or 0
    if params.hold_until is not None:
        seconds = params.hold_until - int(conversation.resources.clock.now())
    if seconds > MAX_FUTURE_RELEASE_S:
        return codes.FUTURE_RELEASE_TOO_FAR.reply("future release interval too far in the future")
    return None
