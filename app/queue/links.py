"""Connections to other servers, opened as their target demands and kept for a moment for the next message.

A connection that a message has used is offered to others for the same target for a few seconds, so that a stream of
mail to one relay does not greet it again for each message. A connection from the store may turn out to be dead; the
caller, who is told that it was used before, then asks for a new one.

Security is by target: opportunistic TLS falls back to plain text on a new connection (RFC 7435 §3), what is demanded
does not, and a demand that is only a wish falls back to opportunistic TLS. How each connection went is recorded for
TLS reports. Raises DialFailed and SmtpFailed.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field, replace
from enum import Enum

from app.config.transports import DEFAULT_MECHANISMS, TransportAuth
from app.log import logger
from app.metrics import counter
from app.net.dial import DialFailed
from app.net.dialogue import Dialogue
from app.net.smtpclient import (
    Conversation,
    Peer,
    SmtpFailed,
    TlsFailed,
    opportunistic_context,
    verified_context,
)
from app.net.socksproxy import Proxy
from app.queue.demands import NO_POLICY, Demand
from app.queue.proofs import DemandUnmet, prove
from app.queue.setup import Setup
from app.store.tlsresults import TlsResult
from app.wire.reports.tls import TlsFailure
from app.wire.sasl.clients import Login, begin, choose
from app.wire.sasl.servers import find_mechanism

IDLE_S = 3.0
MAX_IDLE = 20
MAX_MESSAGES = 100  # on one connection; some servers dislike more

log = logger("queue")
_connections = counter("queue_connection_total", "Connections to other servers.", ("result",))
_fallbacks = counter("queue_plaintext_fallback_total", "Plain-text connections made because TLS failed.")


class Security(Enum):
    """What a target demands of TLS."""

    DEMANDED = "demanded"  # as the demand of the target says
    OPPORTUNISTIC = "opportunistic"  # STARTTLS if offered, anyone's certificate
    PLAIN = "none"
    STARTTLS = "starttls"  # demanded, certificate verified
    STARTTLS_UNVERIFIED = "starttls-unverified"
    IMMEDIATE = "immediate"  # from the first byte, verified
    IMMEDIATE_UNVERIFIED = "immediate-unverified"


_UNVERIFIED = (Security.OPPORTUNISTIC, Security.STARTTLS_UNVERIFIED, Security.IMMEDIATE_UNVERIFIED)
_IMMEDIATE = (Security.IMMEDIATE, Security.IMMEDIATE_UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and how."""

    peer: Peer
    security: Security = Security.OPPORTUNISTIC
    auth: TransportAuth | None = None
    proxy: Proxy | None = None
    has_choice: bool = field(default=False, compare=False)  # the server has addresses of both families
    demand: Demand | None = None
    results: tuple[TlsResult, ...] = field(default=(), compare=False)  # to be recorded of a connection

    def __str__(self) -> str:
        by_proxy = f" through the proxy {self.proxy}" if self.proxy else ""
        return f"{self.peer.host} [{self.peer.ip}] port {self.peer.port}{by_proxy}"

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS context that this security needs."""
        return opportunistic_context() if self.security in _UNVERIFIED else verified_context()


class Links:
    """Opens and keeps connections."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._idle: dict[Target, list[tuple[Conversation, asyncio.TimerHandle]]] = {}

    async def open(self, target: Target, hostname: str, dialogue: Dialogue) -> Conversation:
        """A connection that is ready for a message; `used` tells whether it has had some."""
        while idle := self._idle.get(target):
            talk, timer = idle.pop()
            timer.cancel()
            if talk.is_usable:
                dialogue.note(f"on the connection to {target} that earlier messages have used")
                talk.record_to(dialogue)
                return talk
            talk.close()
        return await self.connect(target, hostname, dialogue)

    async def connect(self, target: Target, hostname: str, dialogue: Dialogue) -> Conversation:
        """A new connection, with TLS and signed in as the target demands."""
        try:
            security = Security.DEMANDED if target.demand else target.security
            talk = await self._connect(target, hostname, security, dialogue)
        except DialFailed:
            _connections.labels("dial").inc()
            raise
        except SmtpFailed:
            _connections.labels("refused").inc()
            raise
        _connections.labels("ok").inc()
        return talk

    def give_back(self, target: Target, talk: Conversation) -> None:
        """Keep a connection for a moment, if it is still good."""
        if (
            not talk.is_usable
            or talk.is_exhausted
            or talk.used >= MAX_MESSAGES
            or sum(map(len, self._idle.values())) >= MAX_IDLE
        ):
            talk.quit()
            return
        timer = asyncio.get_running_loop().call_later(IDLE_S, self._expire, target, talk)
        self._idle.setdefault(target, []).append((talk, timer))

    def close(self) -> None:
        """Close all that are kept."""
        for idle in self._idle.values():
            for talk, timer in idle:
                timer.cancel()
                talk.quit()
        self._idle.clear()

    def _expire(self, target: Target, talk: Conversation) -> None:
        left = [one for one in self._idle.get(target, ()) if one[0] is not talk]
        if left:
            self._idle[target] = left
        else:
            self._idle.pop(target, None)
        talk.quit()

    async def _connect(self, target: Target, hostname: str, security: Security, dialogue: Dialogue) -> Conversation:
        immediate = target.context if security in _IMMEDIATE else None
        talk = await Conversation.open(target.peer, self._setup.local_ips, immediate, target.proxy)
        dialogue.note(f"connected to {target}")
        talk.record_to(dialogue)
        try:
            await talk.greet(hostname)
            await self._secure(talk, target, security)
            if target.auth is not None:
                await _sign_in(talk, target.auth)
        except TlsFailed as err:
            talk.abort()
            self._record(target, security, err)
            weaker = _weaker(target, security, err)
            dialogue.note(f"{err.text}; once more {_ONCE_MORE[weaker]}")
            log.debug("TLS failed, once more", cid=talk.cid, host=target.peer.host, err=err.text, by=weaker.value)
            if weaker is Security.PLAIN:
                _fallbacks.inc()
            again = await self._connect(target, hostname, weaker, dialogue)
            again.security = f"{again.security}, as TLS failed at first: {err.text}"
            return again
        except BaseException:
            talk.abort()
            raise
        self._record(target, security, None if talk.has_tls else _NO_STARTTLS)
        return talk

    async def _secure(self, talk: Conversation, target: Target, security: Security) -> None:
        talk.security = "not encrypted"
        if security is Security.PLAIN:
            return
        if security is Security.DEMANDED and target.demand is not None:
            await prove(talk, target.demand, self._setup.clock.now())
            return
        if security not in _IMMEDIATE:
            if talk.capabilities.starttls:
                await talk.start_tls(target.context)
            elif security is not Security.OPPORTUNISTIC:
                raise SmtpFailed(f"{target.peer.host} does not offer STARTTLS, which its transport demands")
        if talk.has_tls:
            checked = "certificate not checked" if security in _UNVERIFIED else "certificate checked"
            talk.security = f"{talk.tls_version}, {checked}"

    def _record(self, target: Target, security: Security, err: TlsFailed | None) -> None:
        """What reports say of this connection; of one made with less than was wished for, nothing more."""
        if security is not (Security.DEMANDED if target.demand else Security.OPPORTUNISTIC):
            return
        for one in target.results:
            if err is None:
                self._setup.record_tls(one)
            elif target.demand is None or one.kind in (target.demand.policy, NO_POLICY) or err.is_without_starttls:
                self._setup.record_tls(replace(one, failure=_failure(target, err)))


def _failure(target: Target, err: TlsFailed) -> TlsFailure:
    information = err.text if err.reply is None else f"{err.text}: {err.reply.code} {err.reply.enhanced}"
    host, ip = target.peer.host, target.peer.ip
    return TlsFailure(result=err.result, sessions=1, receiving_host=host, receiving_ip=ip, information=information)


def _weaker(target: Target, security: Security, err: TlsFailed) -> Security:
    """With what to try again; raises when there is nothing less."""
    if security is Security.OPPORTUNISTIC:
        return Security.PLAIN
    if security is Security.DEMANDED and target.demand is not None:
        if target.demand.is_strict:
            raise DemandUnmet(target.demand, err) from None
        return Security.OPPORTUNISTIC
    raise err


_ONCE_MORE = {Security.OPPORTUNISTIC: "with any certificate", Security.PLAIN: "without TLS"}
_NO_STARTTLS = TlsFailed("the server offers no encryption (STARTTLS)", result="starttls-not-supported")


async def _sign_in(talk: Conversation, auth: TransportAuth) -> None:
    """AUTH; a refusal is not the message's fault, so it carries no reply and the message waits."""
    names = auth.mechanisms or _SHOWING_NOTHING
    allowed = [found for name in names if (found := find_mechanism(name)) is not None]
    offered, bindings = talk.capabilities.auth, talk.bindings
    mechanism = choose(offered, bindings, [one for one in allowed if not one.shows_password])
    if mechanism is None:
        mechanism = next((one for one in allowed if one.shows_password and one.value in offered), None)
    if mechanism is None:
        raise SmtpFailed(f"{talk.peer.host} offers no mechanism to sign in with that is allowed")
    try:
        await talk.login(mechanism.value, begin(mechanism, Login(auth.username, auth.password), bindings, offered))
    except SmtpFailed as err:
        # The server's own words stay out: it knows what we signed in with, and may repeat it.
        said = f"it answers {err.reply.code} {err.reply.enhanced}".rstrip() if err.reply else err.text
        raise SmtpFailed(f"{talk.peer.host} does not let us sign in: {said}") from None


_SHOWING_NOTHING = DEFAULT_MECHANISMS
