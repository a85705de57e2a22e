"""RCPT: whether a recipient may be named.

On port 25 an unknown user of a domain of ours is accepted here and refused after the message, late, so that nobody can
learn cheaply which addresses exist. A signed-in user is told at once.
"""

from __future__ import annotations

from app.config.lookup import AliasFound, Destined, Purpose
from app.routing import srs
from app.routing.srs import CannotReturn
from app.smtpserver import specials
from app.smtpserver.conversation import Answer, Conversation, Resources
from app.smtpserver.greeting import MAX_RECIPIENTS
from app.smtpserver.judging import Sources
from app.smtpserver.specials import Moment
from app.smtpserver.transaction import Recipient, Returned, Transaction
from app.wire.smtp import codes
from app.wire.smtp.address import NULL_PATH, Address, AddressLiteral, BarePostmaster, ForwardPath
from app.wire.smtp.command import Rcpt
from app.wire.smtp.reply import Reply

_REPORTS = (Purpose.TLS_REPORTS, Purpose.HOST_TLS_REPORTS)


def rcpt(conversation: Conversation, command: Rcpt) -> Answer:
    """RCPT: add a recipient to the transaction."""
    transaction = conversation.transaction
    assert transaction is not None
    path = command.forward_path
    if len(transaction.recipients) >= MAX_RECIPIENTS:
        return codes.TOO_MANY_RECIPIENTS.reply(f"at most {MAX_RECIPIENTS} recipients, send the others separately")
    if specials.is_special(conversation, path, Moment.RCPT):
        return _fail(conversation, path)
    if isinstance(path, Address) and _may_lead_back(conversation, path):
        return _add_returned(conversation, command, path)
    found = find(conversation.resources, path)
    refuse = _submission_refusal if conversation.service.kind.is_submission else _smtp_refusal
    refusal = refuse(conversation, path, found)
    if refusal is not None:
        return refusal
    recipient = Recipient(path, command.params, found)
    judges = conversation.resources.judges
    if judges is not None and transaction.recipients and not conversation.service.kind.is_submission:
        return _add_another(conversation, judges, recipient)
    return _add(transaction, recipient)


def _may_lead_back(conversation: Conversation, path: Address) -> bool:
    """Whether it looks like the return address of a message that we have forwarded."""
    resources = conversation.resources
    return (
        resources.returns is not None and srs.is_rewritten(path.localpart) and resources.directory.is_local(path.domain)
    )


async def _add_returned(conversation: Conversation, command: Rcpt, path: Address) -> Reply:
    """Take a notice for the sender of a message that we have forwarded; nothing else comes to a return address."""
    transaction, resources = conversation.transaction, conversation.resources
    assert transaction is not None
    assert resources.returns is not None
    if conversation.service.kind.is_submission or transaction.reverse_path != NULL_PATH:
        return codes.NO_SUCH_RECIPIENT.reply("this address takes only notices about mail that was forwarded")
    try:
        sender = await resources.returns.read(path)
    except CannotReturn as error:
        return codes.NO_SUCH_RECIPIENT.reply(str(error))
    if isinstance(sender, Address) and resources.directory.is_local(sender.domain):
        return codes.NO_SUCH_RECIPIENT.reply("this is no return address of ours")
    refusal = _smtp_refusal(conversation, path, None)
    return refusal or _add(transaction, Recipient(path, command.params, Returned(sender)))


def _add(transaction: Transaction, recipient: Recipient) -> Reply:
    transaction.add(recipient)
    return codes.RECIPIENT_OK.reply("recipient ok")


async def _add_another(conversation: Conversation, judges: Sources, recipient: Recipient) -> Reply:
    """A second recipient only when SPF proves the reverse-path.

    When one recipient takes the message and another does not, the reverse-path is told by mail, and an innocent one
    must not be. The others can be sent to one by one.
    """
    transaction = conversation.transaction
    assert transaction is not None
    if transaction.is_proved is None:
        transaction.is_proved = await judges.authenticate.may_send(conversation.origin(transaction.reverse_path))
    if not transaction.is_proved:
        return codes.TOO_MANY_RECIPIENTS.reply("one recipient at a time, as SPF does not vouch for your MAIL FROM")
    return _add(transaction, recipient)


async def _fail(conversation: Conversation, path: ForwardPath) -> Reply:
    raise await specials.fail(conversation, path)


def find(resources: Resources, path: ForwardPath) -> Destined | AliasFound | None:
    """What the path leads to here; in localserve every path leads somewhere."""
    directory = resources.directory
    if isinstance(path, BarePostmaster):
        return directory.postmaster()
    found = directory.find(path) if isinstance(path, Address) else None
    if found is None and resources.localserve is not None:
        return directory.find(resources.localserve)
    return found


def _smtp_refusal(conversation: Conversation, path: ForwardPath, found: Destined | AliasFound | None) -> Reply | None:
    transaction = conversation.transaction
    assert transaction is not None
    if transaction.reverse_path == NULL_PATH and transaction.recipients:
        # Notifications go to one sender each; several are a sign of junk.
        return codes.TOO_MANY_RECIPIENTS.reply("only one recipient with the null reverse-path")
    refusal = None if found is not None and conversation.resources.localserve else _domain_refusal(conversation, path)
    if refusal is not None:
        return refusal
    if conversation.service.requires_tls and conversation.tls is None and not _is_tls_report(found):
        return codes.AUTH_REQUIRED.reply("STARTTLS is required for this recipient")
    return configured_refusal(found)


def _domain_refusal(conversation: Conversation, path: ForwardPath) -> Reply | None:
    directory = conversation.resources.directory
    if isinstance(path, BarePostmaster):
        return None
    if isinstance(path, AddressLiteral) or not directory.is_local(path.domain):
        return codes.NO_SUCH_RECIPIENT.reply("no mail is accepted for this domain here")
    if directory.is_disabled(path.domain):
        return codes.DOMAIN_DISABLED.reply("the recipient's domain is disabled at the moment")
    return None


def _submission_refusal(
    conversation: Conversation, path: ForwardPath, found: Destined | AliasFound | None
) -> Reply | None:
    """Mail of our users goes anywhere; for our own domains the answer is known."""
    if not isinstance(path, Address):
        return None
    directory = conversation.resources.directory
    if not directory.is_local(path.domain):
        return None
    if directory.is_disabled(path.domain):
        return codes.DOMAIN_DISABLED.reply("the recipient's domain is disabled at the moment")
    return codes.NO_SUCH_RECIPIENT.reply("no such user") if found is None else None


def _is_tls_report(found: Destined | AliasFound | None) -> bool:
    """Reports that our TLS does not work must be able to arrive without it (RFC 8460 §3)."""
    return isinstance(found, Destined) and found.purpose in _REPORTS


def configured_refusal(found: Destined | AliasFound | None) -> Reply | None:
    """The refusal that a destination is configured with: a code, 421 or 550, and words."""
    text = found.destination.smtp_error if isinstance(found, Destined) else ""
    if not text:
        return None
    code, _, words = text.partition(" ")
    status = codes.INTERNAL_ERROR if code.startswith("4") else codes.NO_SUCH_RECIPIENT
    return status.reply(words or "mail to this address is refused")
