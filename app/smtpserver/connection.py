"""One SMTP connection: bytes to the machine, its events to the functions named after commands, their replies back.

A command that needs no waiting is answered in the same callback, and the replies to everything that one read brought
leave in one write. One that must wait becomes a task; until it is done the machine gives no further event, so replies
stay in order. An exception is a reply (`replies.py`) and never ends more than its command.

Time: a peer has 30 s for each read, a message 30 minutes in all, a task as long as it takes. A client that makes many
mistakes is read slowly, and one that makes very many is sent away.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from prometheus_client import Histogram

from app import metrics
from app.errors import ConnectionGone
from app.junk.subjectpass import without_tokens
from app.log import Level, logger
from app.net.connection import Connection
from app.net.tls import handshake_reason
from app.smtpserver import content, greeting, login, mailfrom, rcptto, replies
from app.smtpserver.conversation import Answer, Conversation, Resources, Service
from app.wire.smtp import codes, command, events
from app.wire.smtp.events import Chunk, Event, Refused, ServerSettings, State
from app.wire.smtp.reply import Reply
from app.wire.smtp.server import MAX_AUTH_LINE, SmtpServer

COMMAND_S = 30.0
DATA_S = 30 * 60.0
SLOW_AFTER_ERRORS = 10
CLOSE_AFTER_ERRORS = 50
EVENTS_AT_ONCE = 100  # then other connections have their turn

log = logger("smtpserver")

_CONNECTIONS = metrics.counter("smtpserver_connection_total", "SMTP connections, by service.", ("kind",))
_COMMANDS = metrics.histogram(
    "smtpserver_command_duration_seconds", "Time from a command to its reply.", ("kind", "cmd", "code", "ecode")
)
_TLS = metrics.counter("smtpserver_delivery_starttls_total", "Connections of other servers that became encrypted.")
_TLS_ERRORS = metrics.counter(
    "smtpserver_delivery_starttls_errors_total",
    "Connections of other servers that could not be encrypted.",
    ("reason",),
)
_commands: dict[tuple[str, type, Reply | int, str], Histogram] = {}

_HANDLERS: dict[type, Callable[[Conversation, Any], Answer]] = {
    command.Helo: greeting.helo,
    command.Ehlo: greeting.ehlo,
    command.StartTls: greeting.starttls,
    command.Rset: greeting.rset,
    command.Noop: greeting.noop,
    command.Vrfy: greeting.vrfy,
    command.Expn: greeting.vrfy,
    command.Help: greeting.help_,
    command.Quit: greeting.quit_,
    command.Auth: login.auth,
    events.AuthResponse: login.respond,
    command.Mail: mailfrom.mail,
    command.Rcpt: rcptto.rcpt,
    command.Data: content.data,
    events.ChunkEnd: content.chunk_end,
    events.EndOfData: content.end_of_data,
}


def machine_settings(service: Service) -> ServerSettings:
    """What the state machine has to know about the service."""
    is_submission = service.kind.is_submission
    return ServerSettings(
        max_size=service.max_size,
        offers_starttls=service.offers_starttls,
        offers_auth=is_submission,
        offers_requiretls=service.offers_requiretls,
        offers_future_release=is_submission,
        offers_dsn=is_submission,
        offers_binary=not is_submission,
    )


class SmtpConnection(Connection):
    """A client's connection to one service."""

    __slots__ = (
        "_data_ends",
        "_errors",
        "_stops",
        "_told",
        "conversation",
        "machine",
        "refusal",
        "resources",
        "service",
    )

    log = log

    conversation: Conversation

    def __init__(self, service: Service, resources: Resources, implicit_tls: ssl.SSLContext | None = None) -> None:
        super().__init__(implicit_tls=implicit_tls)
        self.service = service
        self.resources = resources
        self.machine = SmtpServer(machine_settings(service))
        self.refusal: Reply | None = None
        self._errors = 0
        self._stops = False
        self._told: set[str] = set()
        self._data_ends = 0.0

    # Hooks of Connection.

    def admit(self) -> bool:
        """Count the connection; too many are turned away."""
        rates = self.resources.rates
        if not rates.connections.add(self.remote) or not rates.concurrent.add(self.remote):
            self.refusal = codes.TOO_MANY_CONNECTIONS.reply("too many connections from your network")
        elif self.service.kind.is_submission and login.is_locked_out(self.resources, self.remote):
            rates.concurrent.remove(self.remote)
            self.refusal = codes.TOO_MANY_CONNECTIONS.reply("too many failed sign-ins from your network")
        return self.refusal is None

    def refused(self) -> None:
        """Say why the connection is turned away."""
        if self.refusal is not None:
            self.write(self.refusal.encode())

    def handshake_failed(self, error: OSError) -> None:
        """Count why other servers do not get TLS with us; they deliver without, or not at all."""
        if not self.service.kind.is_submission:
            _TLS_ERRORS.labels(handshake_reason(error)).inc()
        super().handshake_failed(error)

    def connected(self) -> None:
        """Greet."""
        _CONNECTIONS.labels(self.service.kind.value).inc()
        self.conversation = Conversation(
            service=self.service,
            resources=self.resources,
            cid=self.cid,
            remote=self.remote,
            local=self.local,
            tls=self.tls,
        )
        self.machine.has_tls = self.tls is not None
        log.debug("connection", cid=self.cid, kind=self.service.kind.value, remote=self.remote, local=self.local)
        self._send(greeting.banner(self.conversation).encode())
        self.set_deadline(COMMAND_S)

    def received(self, data: bytes) -> None:
        """Answer as far as it goes."""
        if data:
            self.machine.receive_data(data)
        self.set_deadline(COMMAND_S)
        events_left = EVENTS_AT_ONCE
        while not self.is_busy and not self.is_closing:
            event = self.machine.next_event()
            if event is None:
                break
            self._take(event)
            events_left -= 1
            if not events_left and not self.is_busy:
                self.start_task(asyncio.sleep(0))
        self._keep_data_clock()
        if self._stops and not self.is_busy and not self.is_closing:
            self.stopping()

    def is_full(self) -> bool:
        """Whether many commands wait here; more than a line, so that there is one to take."""
        return self.machine.buffered > MAX_AUTH_LINE

    def timed_out(self) -> None:
        """The client is too slow."""
        self._send(codes.TIMED_OUT.reply("too slow, closing the connection").encode())
        self.close()

    def stopping(self) -> None:
        """The server stops: say so, unless a message is on its way, which may come to its end."""
        self._stops = True
        if not self.machine.is_in_data:
            self._send(codes.SHUTTING_DOWN.reply("the server is being stopped, try again later").encode())
            self.close()

    def crashed(self, error: Exception) -> None:
        """Last words after an error of ours."""
        self._send(codes.SHUTTING_DOWN.reply("error on our side, try again later").encode())

    def lost(self) -> None:
        """The peer has gone; a message that is being stored goes on."""
        self.resources.rates.concurrent.remove(self.remote)
        # There is no conversation when the handshake of implicit TLS failed. A task may be writing the content just
        # now, and tidies up when it is done.
        if hasattr(self, "conversation") and not self.is_busy:
            self.conversation.reset()

    # From an event to its reply.

    def _take(self, event: Event) -> None:
        self._trace(event)
        if isinstance(event, Chunk):
            if (work := content.chunk(self.conversation, event)) is not None:
                self.set_deadline(None)
                self.start_task(self._wait_for_chunk(work))
            return
        began = self.loop.time()
        if isinstance(event, Refused):
            self._reply(event, event.reply, began)
            return
        try:
            answer = _HANDLERS[type(event)](self.conversation, event)
        except Exception as error:
            answer = replies.reply_for(error, self.cid)
        if isinstance(answer, Reply):
            self._reply(event, answer, began)
        else:
            self.set_deadline(None)
            self.start_task(self._wait_for(event, answer, began))

    async def _wait_for_chunk(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            if self.is_gone:
                self.conversation.reset()

    async def _wait_for(self, event: Event, answer: Coroutine[Any, Any, Reply], began: float) -> None:
        try:
            reply = await answer
        except ConnectionGone:
            raise
        except Exception as error:
            reply = replies.reply_for(error, self.cid)
        if self.is_gone:
            self.conversation.reset()
        else:
            self._reply(event, reply, began)

    def _reply(self, event: Event, reply: Reply, began: float) -> None:
        if reply.code >= 400:
            reply = self._note_error(event, reply)
        kind = type(event)
        self._send(self.machine.send(reply))
        _observe(self.service.kind.value, kind, reply, self.loop.time() - began)
        if self.machine.state is State.CLOSED or self.conversation.must_close:
            self.close()
        elif kind is command.StartTls and reply.is_positive:
            self.start_task(self._begin_tls())

    def _keep_data_clock(self) -> None:
        """A message has half an hour from its first bytes, however many chunks it has."""
        if self.conversation.transaction is None:
            self._data_ends = 0.0
        elif self.machine.is_in_data:
            now = self.loop.time()
            self._data_ends = self._data_ends or now + DATA_S
            if now > self._data_ends:
                self.timed_out()

    def _note_error(self, event: Event, reply: Reply) -> Reply:
        """Count a refusal, slow the client down after many, and make it possible to find it in the log.

        The id in the reply has a line that leads to `cid`, by which all lines of the connection are found. A client
        that is refused for the same reason again and again, as one that guesses addresses, gets no further lines.
        """
        self._errors += 1
        if isinstance(event, Refused):
            replies.count_client_error()
        reason = reply.enhanced or str(reply.code)
        if reason not in self._told:
            self._told.add(reason)
            text = without_tokens(str(reply))
            log.info("command refused", cid=self.cid, id=self.conversation.id, remote=self.remote, reply=text)
        if self._errors == SLOW_AFTER_ERRORS and self.conversation.signed_in is None:
            log.info("many errors, slowing the connection", cid=self.cid, remote=self.remote)
            self.be_slow()
        elif self._errors >= CLOSE_AFTER_ERRORS:
            self.conversation.must_close = True
        return Reply(reply.code, reply.enhanced, (*reply.lines[:-1], f"{reply.lines[-1]} ({self.conversation.id})"))

    async def _begin_tls(self) -> None:
        context = self.service.tls
        assert context is not None
        await self.start_tls(context)
        if not self.service.kind.is_submission:
            _TLS.inc()
        self.machine.tls_started()
        assert self.tls is not None
        self.conversation.restart(self.tls)
        log.debug("tls started", cid=self.cid, version=self.tls.version, cipher=self.tls.cipher)

    def _send(self, wire: bytes) -> None:
        log.trace("LS: ", wire, self.cid)
        self.write(wire)

    def _trace(self, event: Event) -> None:
        if not log.enabled(Level.TRACE):
            return
        if isinstance(event, Chunk):
            log.trace("RC: ", event.data, self.cid, Level.TRACEDATA)
            return
        if isinstance(event, events.ChunkEnd | events.EndOfData):
            return
        line = self.machine.line
        # A refused line may be a mistyped AUTH or a password on its own, so only commands that we know are shown.
        is_open = isinstance(event, command.Command) and not isinstance(event, command.Auth)
        log.trace("RC: ", line, self.cid, Level.TRACE if is_open else Level.TRACEAUTH)


def _observe(service: str, kind: type, reply: Reply, seconds: float) -> None:
    key = (service, kind, reply.code, reply.enhanced)
    child = _commands.get(key)
    if child is None:
        child = _COMMANDS.labels(service, kind.__name__.lower(), str(reply.code), reply.enhanced)
        _commands[key] = child
    child.observe(seconds)
