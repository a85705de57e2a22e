"""STARTTLS, LOGIN and AUTHENTICATE (RFC 9051 §6.2), and UNAUTHENTICATE (RFC 8437).

Both ways to sign in go through one exchange (`store/signin.py`), which checks, slows down guessers and records
attempts. Nothing of it is logged here.
"""

from __future__ import annotations

import base64
from collections.abc import Coroutine
from typing import Any

from app.errors import ImapSyntaxError
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session, SignedIn
from app.store.signin import Challenge, Exchange, Failed, FailureKind
from app.store.signin import SignedIn as Accepted
from app.wire.imap import response
from app.wire.imap.parse.session import (
    AuthenticateCommand,
    LoginCommand,
    StarttlsCommand,
    UnauthenticateCommand,
    parse_sasl,
)
from app.wire.imap.response import capability, challenge

_CODES = {
    FailureKind.BAD_CREDENTIALS: response.AUTHENTICATIONFAILED,
    FailureKind.LOGIN_DISABLED: response.AUTHORIZATIONFAILED,
    FailureKind.NEEDS_TLS: response.PRIVACYREQUIRED,
    FailureKind.RATE_LIMITED: response.UNAVAILABLE,
    FailureKind.TEMPORARY: response.UNAVAILABLE,
}


async def starttls(session: Session, command: StarttlsCommand) -> None:
    """Switch to TLS; whatever the client sent before is forgotten."""
    connection = session.connection
    context = connection.service.tls_context
    if connection.tls is not None or context is None:
        raise ImapSyntaxError("TLS is on already" if connection.tls else "there is no TLS here")
    if connection.is_compressed:  # after UNAUTHENTICATE; TLS would have to go below the compression
        raise ImapSyntaxError("TLS cannot begin once the connection is compressed")
    if connection.has_waiting:
        raise ImapSyntaxError("nothing may follow STARTTLS before TLS begins")
    session.ok(command.tag, "begin TLS")
    connection.machine.reset_after_starttls()
    await connection.start_tls(context)


async def login(session: Session, command: LoginCommand) -> None:
    """Sign in with name and password, over TLS unless the listener allows it without."""
    if not session.connection.may_send_passwords:
        raise CommandFailed("sign in over TLS only", response.PRIVACYREQUIRED)
    exchange = session.connection.begin_sign_in("PLAIN")
    data = b"\0".join((b"", command.username.encode(), command.password.encode()))
    await _step(session, command.tag, exchange, data)


async def authenticate(session: Session, command: AuthenticateCommand) -> None:
    """Begin a SASL exchange."""
    exchange = session.connection.begin_sign_in(command.mechanism)
    await _step(session, command.tag, exchange, command.initial)


def unauthenticate(session: Session, command: UnauthenticateCommand) -> None:
    """Sign out and keep the connection: TLS and compression stay (RFC 8437)."""
    session.connection.signed_out()
    session.ok(command.tag, "signed out", capability(session.capabilities()))


async def _step(session: Session, tag: str, exchange: Exchange, data: bytes | None) -> None:
    """One message of the client; `data` is None when it sent none yet."""
    result = await exchange.step(data)
    if isinstance(result, Challenge):
        session.write(challenge(base64.b64encode(result.data)))
        session.connection.expect_line(tag, lambda line: _answer(session, tag, exchange, line))
    elif isinstance(result, Failed):
        raise CommandFailed(result.text, _CODES.get(result.kind))
    else:
        await _accept(session, tag, result)


def _answer(session: Session, tag: str, exchange: Exchange, line: bytes) -> Coroutine[Any, Any, None] | None:
    """The client's next SASL message."""
    try:
        data = parse_sasl(line)
    except ImapSyntaxError as err:
        session.bad(tag, err.message)
        return None
    if data is None:
        exchange.abort()
        session.bad(tag, "you gave up")
        return None
    return _step(session, tag, exchange, data)


async def _accept(session: Session, tag: str, result: Accepted) -> None:
    account = await session.accounts.open(result.account_name)
    session.signed_in = SignedIn(account, result.login_address)
    session.connection.signed_in()
    session.ok(tag, "welcome", capability(session.capabilities()))
