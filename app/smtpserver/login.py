"""AUTH: from a mechanism's name to a signed-in account (RFC 4954).

Only on submission, and without TLS only where the configuration allows it; `app.store.signin` does the checking for all
protocols. Who guesses waits: after three failures on a connection each answer comes a second later than the one before,
and a network with too many failures is turned away.
"""

from __future__ import annotations

import asyncio
import base64

from app.log import logger
from app.smtpserver.conversation import Answer, Conversation, Resources
from app.store.signin import Challenge, Exchange, Failed, FailureKind, SignInContext
from app.wire.smtp import codes
from app.wire.smtp.address import IPAddress
from app.wire.smtp.codes import Status
from app.wire.smtp.command import Auth
from app.wire.smtp.events import AuthResponse
from app.wire.smtp.reply import Reply

PROTOCOL = "submission"
FREE_FAILURES = 3

log = logger("smtpserver")

_FAILURES: dict[FailureKind, Status] = {
    FailureKind.BAD_CREDENTIALS: codes.BAD_CREDENTIALS,
    FailureKind.BAD_CHANNEL_BINDING: codes.BAD_CREDENTIALS,
    FailureKind.LOGIN_DISABLED: codes.LOGIN_DISABLED,
    FailureKind.MECHANISM_UNKNOWN: codes.UNKNOWN_MECHANISM,
    FailureKind.NEEDS_TLS: codes.AUTH_NEEDS_TLS,
    FailureKind.RATE_LIMITED: codes.TOO_MANY_CONNECTIONS,
    FailureKind.SYNTAX: codes.BAD_AUTH_DATA,
    FailureKind.ABORTED: codes.AUTH_CANCELLED,
    FailureKind.TEMPORARY: codes.NO_MECHANISM_SECRET,
}


def mechanisms(conversation: Conversation) -> tuple[str, ...]:
    """The names for EHLO; none where signing in needs TLS first."""
    return conversation.resources.sign_in.mechanisms(_context(conversation))


def is_locked_out(resources: Resources, remote: IPAddress) -> bool:
    """Whether the network of the peer has failed to sign in too often."""
    return not resources.sign_in.allows(remote)


def auth(conversation: Conversation, command: Auth) -> Answer:
    """AUTH: begin an exchange."""
    exchange = conversation.resources.sign_in.begin(command.mechanism, _context(conversation))
    conversation.exchange = exchange
    return _step(conversation, exchange, command.initial)


def respond(conversation: Conversation, event: AuthResponse) -> Answer:
    """A line within the exchange."""
    exchange = conversation.exchange
    assert exchange is not None
    if event.data is None:
        return _failure_reply(exchange.abort())
    return _step(conversation, exchange, event.data)


async def _step(conversation: Conversation, exchange: Exchange, data: bytes | None) -> Reply:
    result = await exchange.step(data)
    if isinstance(result, Challenge):
        return codes.CHALLENGE.reply(base64.b64encode(result.data).decode())
    conversation.exchange = None
    if isinstance(result, Failed):
        return await _fail(conversation, result)
    conversation.signed_in = result
    log.debug("signed in", cid=conversation.cid, account=result.account_name)
    return codes.SIGNED_IN.reply("signed in")


async def _fail(conversation: Conversation, failed: Failed) -> Reply:
    conversation.failed_sign_ins += 1
    waits = max(0, conversation.failed_sign_ins - FREE_FAILURES)
    await asyncio.sleep(waits * conversation.resources.delays.failed_login_s)
    return _failure_reply(failed)


def _failure_reply(failed: Failed) -> Reply:
    return _FAILURES[failed.kind].reply(failed.text)


def _context(conversation: Conversation) -> SignInContext:
    return SignInContext(
        protocol=PROTOCOL,
        remote=conversation.remote,
        tls=conversation.tls,
        passwords_need_tls=conversation.service.requires_tls,
        local=conversation.local,
        tls_name=str(conversation.tls or ""),
        client_certificate=conversation.tls.client_certificate if conversation.tls else b"",
    )
