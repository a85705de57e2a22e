"""HELO, EHLO and the small commands: STARTTLS, RSET, NOOP, VRFY, EXPN, HELP, QUIT.

What EHLO offers depends on the service and on TLS (RFC 5321 §4.1.1.1). REQUIRETLS is offered with TLS only, as it
promises that TLS was used on the way here (RFC 8689 §2).
"""

from __future__ import annotations

from app.clock import utc
from app.smtpserver import login
from app.smtpserver.conversation import Conversation
from app.wire.smtp import codes
from app.wire.smtp.command import Ehlo, Expn, Helo, Help, Noop, Quit, Rset, StartTls, Vrfy
from app.wire.smtp.reply import Reply

MAX_RECIPIENTS = 1000
MAX_FUTURE_RELEASE_S = 60 * 24 * 3600


def banner(conversation: Conversation) -> Reply:
    """What is said first."""
    return codes.GREETING.reply(f"{conversation.service.hostname.ascii} ESMTP mox")


def helo(conversation: Conversation, command: Helo) -> Reply:
    """HELO: no extensions."""
    return _greet(conversation, command) or codes.EHLO_OK.reply(conversation.service.hostname.ascii)


def ehlo(conversation: Conversation, command: Ehlo) -> Reply:
    """EHLO: our name and what we offer."""
    refusal = _greet(conversation, command)
    if refusal is not None:
        return refusal
    return Reply(250, "", (conversation.service.hostname.ascii, *_keywords(conversation)))


def _greet(conversation: Conversation, command: Helo | Ehlo) -> Reply | None:
    """Take the client's name; a mail program on somebody's desk may have any."""
    name = command.name
    if name.domain is None and name.ip is None and not conversation.service.kind.is_submission:
        return codes.BAD_GREETING_NAME.reply("a host name or an address literal is needed")
    conversation.reset()
    conversation.name = name
    conversation.is_esmtp = isinstance(command, Ehlo)
    return None


def _keywords(conversation: Conversation) -> list[str]:
    service = conversation.service
    words = ["PIPELINING", f"SIZE {service.max_size}"]
    if conversation.tls is None:
        words += ["STARTTLS"] if service.offers_starttls else []
    elif service.offers_requiretls:
        words.append("REQUIRETLS")
    if service.kind.is_submission:
        words.append(" ".join(["AUTH", *login.mechanisms(conversation)]))
        until = utc(conversation.resources.clock.now() + MAX_FUTURE_RELEASE_S)
        words.append(f"FUTURERELEASE {MAX_FUTURE_RELEASE_S} {until:%Y-%m-%dT%H:%M:%SZ}")  # RFC 4865 §3
    words += ["ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING"]
    # DSN (RFC 3461) is for those who are signed in: strangers could have notices of success sent to anybody.
    words.append("DSN" if service.kind.is_submission else "BINARYMIME")
    return [*words, f"LIMITS RCPTMAX={MAX_RECIPIENTS}", "SMTPUTF8"]


def starttls(conversation: Conversation, command: StartTls) -> Reply:
    """STARTTLS; the connection begins the handshake when the reply has been written."""
    return codes.READY_FOR_TLS.reply("go ahead with TLS")


def rset(conversation: Conversation, command: Rset) -> Reply:
    """RSET: drop the transaction."""
    conversation.reset()
    return codes.OK.reply("nothing is pending")


def noop(conversation: Conversation, command: Noop) -> Reply:
    """NOOP."""
    return codes.OK.reply("still here")


def vrfy(conversation: Conversation, command: Vrfy | Expn) -> Reply:
    """VRFY and EXPN tell nothing (RFC 5321 §7.3)."""
    return codes.CANNOT_VERIFY.reply("addresses are not verified here, delivery will be tried")


def help_(conversation: Conversation, command: Help) -> Reply:
    """HELP."""
    return codes.HELP.reply("this server speaks SMTP as in RFC 5321")


def quit_(conversation: Conversation, command: Quit) -> Reply:
    """QUIT."""
    conversation.reset()
    return codes.BYE.reply("bye")
