"""One IMAP connection: bytes to events, events to commands, one command at a time.

Events come from the framing machine of `wire/imap/server.py`. A handler that is a plain function has answered when it
returns; one that returns a coroutine becomes the connection's task, and input waits until it is done. Timeouts: 30
seconds before login, 30 minutes after (RFC 9051 §5.4), also in IDLE.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import traceback
from array import array
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from prometheus_client import Histogram

from app import metrics
from app.errors import ConnectionGone, ImapSyntaxError, MailError, Temporary
from app.imapserver import news, updates
from app.imapserver.commands.append import look_ahead
from app.imapserver.replies import SERVER_BUG, UidRequired, outcome_of, too_big
from app.imapserver.service import ImapService
from app.imapserver.session import Session, SignedIn
from app.imapserver.table import HANDLERS
from app.log import Level, logger
from app.net import deflate
from app.net.connection import Connection
from app.store.account.handle import ORIGIN
from app.store.signin import Exchange, SignInContext
from app.store.spool import Spool
from app.wire.imap import response
from app.wire.imap.command import Command, CommandRule
from app.wire.imap.events import (
    AppendData,
    AppendEnd,
    AppendStart,
    BadCommand,
    CommandReceived,
    Event,
    NeedContinuation,
    RawLine,
    TooBig,
)
from app.wire.imap.parse.search import BadCharset
from app.wire.imap.response import Status, capability, untagged
from app.wire.imap.server import ImapServer

LOGIN_TIMEOUT_S = 30.0
IDLE_TIMEOUT_S = 30 * 60.0
WRITE_TIMEOUT_S = 5 * 60.0
LOOK_AHEAD_BYTES = 64 * 1024  # a larger message is not taken before we know that there is a place for it
EVENTS_AT_ONCE = 100  # then other connections have their turn
MAX_BAD_COMMANDS = 20  # before the connection ends; a client that means well makes none

_CONNECTIONS = metrics.counter("imap_connection_total", "IMAP connections accepted.", ["service"])
_COMMANDS = metrics.histogram("imap_command_duration_seconds", "Time to carry out IMAP commands.", ["cmd", "result"])
_commands: dict[tuple[str, str], Histogram] = {}

LineHandler = Callable[[bytes], Coroutine[Any, Any, None] | None]


class ImapConnection(Connection):
    """The server's side of one IMAP connection."""

    __slots__ = (
        "_bad_commands",
        "_is_sent_away",
        "_line_handler",
        "_line_tag",
        "_spools",
        "is_compressed",
        "machine",
        "service",
        "session",
    )

    log = logger("imapserver")
    write_timeout_s = WRITE_TIMEOUT_S

    def __init__(self, service: ImapService, *, implicit_tls: ssl.SSLContext | None = None) -> None:
        super().__init__(implicit_tls=implicit_tls)
        self.service = service
        self.machine = ImapServer()
        self.session = Session(self)
        self._spools: list[Spool] = []
        self._line_handler: LineHandler | None = None
        self._line_tag = ""
        self._bad_commands = 0
        self._is_sent_away = False
        self.is_compressed = False

    # Hooks of the connection.

    def admit(self) -> bool:
        """Refuse networks that connect too often or too much at once."""
        if not self.service.connections.add(self.remote):
            return False
        return self.service.concurrent.add(self.remote)

    def refused(self) -> None:
        """Say why."""
        self.write(untagged(Status.BYE, "too many connections from your network, try again later"))

    def connected(self) -> None:
        """Greet with the capabilities."""
        _CONNECTIONS.labels(self.service.name).inc()
        self.log.debug("connection", cid=self.cid, remote=self.remote, tls=self.tls is not None)
        self.set_deadline(LOGIN_TIMEOUT_S)
        if self.tls is not None and self.tls.client_certificate:
            self.start_task(self._greet_by_key())
        else:
            self.greet()

    def greet(self) -> None:
        """Say the first words to somebody who is not known yet."""
        self.write(untagged(Status.OK, "mox imap", capability(self.session.capabilities())))

    async def _greet_by_key(self) -> None:
        """Sign in who shows a registered key in the first handshake (RFC 9051 §7.1.4)."""
        if (found := await self.service.signin.by_key(self._context())) is None:
            return self.greet()
        account = await self.service.accounts.open(found.account_name)
        self.welcome(SignedIn(account, found.login_address))

    def welcome(self, who: SignedIn) -> None:
        """Greet somebody who needs not sign in any more."""
        self.session.signed_in = who
        self.signed_in()
        text = f"mox imap welcomes {who.login}"
        self.write(untagged(Status.PREAUTH, text, capability(self.session.capabilities())))

    def received(self, data: bytes) -> None:
        """Take bytes and do what they ask."""
        if data:
            self.machine.receive_data(data)
            self.set_deadline(IDLE_TIMEOUT_S if self.session.signed_in else LOGIN_TIMEOUT_S)
        events_left = EVENTS_AT_ONCE
        while not self.is_busy and not self.is_closing and (event := self.machine.next_event()) is not None:
            self._handle(event)
            events_left -= 1
            if not events_left and not self.is_busy:
                self.start_task(asyncio.sleep(0))
        if self.has_waiting and not self.is_busy and not self.is_closing:
            self.start_task(asyncio.sleep(0))  # what `is_full` kept back comes when it ends
        if self.session.has_heard:
            self.tell_news()  # what could not be told during a command, or with it

    def tell_news(self) -> None:
        """Tell a client that listens what is new, unless it does not read."""
        session = self.session
        if not session.listens or self.is_stalled or self.is_busy or self.is_closing:
            return
        session.has_heard = False
        if session.must_read:
            self.start_task(news.tell(session))
        else:
            updates.write(session, may_expunge=session.may_push_expunges)

    def is_full(self) -> bool:
        """Whether many commands wait here; the next ones are not read before these are carried out."""
        return self.machine.has_whole_lines

    def timed_out(self) -> None:
        """Say goodbye to a silent client."""
        if self.is_busy:
            self.set_deadline(IDLE_TIMEOUT_S)
            return
        self.write(untagged(Status.BYE, "you were silent for too long"))
        self.close()

    def resume_writing(self) -> None:
        """A client that idles and did not read for a while gets what it missed."""
        super().resume_writing()
        self.tell_news()

    def stopping(self) -> None:
        """The server stops, or the account is gone."""
        if self._is_sent_away:
            self.write(untagged(Status.BYE, "this account cannot be used any more, ask your administrator"))
        else:
            self.write(untagged(Status.BYE, "the server stops, come back soon", response.UNAVAILABLE))
        self.close()

    def leave(self) -> None:
        """The account is taken away."""
        self._is_sent_away = True
        self.stop()

    def crashed(self, error: Exception) -> None:
        """An error of ours that no command is to blame for."""
        self.write(untagged(Status.BYE, SERVER_BUG.text))

    def lost(self) -> None:
        """Let go of the session."""
        self.service.concurrent.remove(self.remote)
        if self.session.signed_in:
            self.session.account.users.discard(self)
        self.session.end()
        self._discard_spools()

    # For sessions and commands.

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may come over this connection as it is."""
        return self.tls is not None or not self.service.passwords_need_tls

    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms to announce now."""
        return self.service.signin.mechanisms(self._context())

    def begin_sign_in(self, mechanism: str) -> Exchange:
        """An exchange for this connection."""
        return self.service.signin.begin(mechanism, self._context())

    def _context(self) -> SignInContext:
        return SignInContext(
            protocol="imap",
            remote=self.remote,
            tls=self.tls,
            passwords_need_tls=self.service.passwords_need_tls,
            local=self.local,
            tls_name=str(self.tls or ""),
            user_agent=self.session.user_agent,
            client_certificate=self.tls.client_certificate if self.tls else b"",
        )

    def signed_in(self) -> None:
        """The session has an account now."""
        if not self.is_gone:
            self.session.account.users.add(self)
        self.machine.is_signed_in = True
        self.machine.append_limit = self.service.max_message_bytes
        self.set_deadline(IDLE_TIMEOUT_S)

    def signed_out(self) -> None:
        """Nobody is signed in any more; the limits are those of before."""
        self.session.account.users.discard(self)
        self.session.sign_out()
        self.machine.is_signed_in = self.machine.utf8 = False
        self.machine.append_limit = 0
        self.set_deadline(LOGIN_TIMEOUT_S)

    def expect_line(self, tag: str, handler: LineHandler) -> None:
        """Give the client's next line to `handler`, as part of the command with that tag."""
        self._line_handler = handler
        self._line_tag = tag
        self.machine.expect_line()

    def compress(self) -> None:
        """From now on all is deflated in both directions; what was written before goes out as it is."""
        self.flush()
        self.transport = deflate.insert(self, self.transport)
        self.is_compressed = True

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call `function` once this callback is done."""
        self.loop.call_soon(function)

    def take_spools(self) -> list[Spool]:
        """The messages that came with the APPEND under way; the caller discards them."""
        spools, self._spools = self._spools, []
        return spools

    # Events.

    def _handle(self, event: Event) -> None:
        if isinstance(event, CommandReceived):
            self._carry_out(event)
        elif isinstance(event, AppendData):
            with contextlib.suppress(Temporary):  # `finish` tells it, once the client has sent all
                self._spools[-1].write(event.data)
        elif isinstance(event, NeedContinuation):
            self.write(event.data)
        elif isinstance(event, AppendStart):
            self._begin_message(event)
        elif isinstance(event, BadCommand):
            self._answer_bad(event)
        elif isinstance(event, RawLine):
            self._handle_line(event.data)
        else:
            assert isinstance(event, AppendEnd)
        if self.session.ending is not None and not self.is_busy:
            self.start_task(news.end_command(self.session))

    def _begin_message(self, start: AppendStart) -> None:
        """Make room for a message, unless it can be refused before the client sends it."""
        self.session.may_expunge = start.rule.may_expunge
        self._spools.append(Spool(self.service.accounts.tmp_dir))
        message = start.message
        if (refusal := self._refusal(start.command, start.rule)) is not None:
            self._refuse_message(start, refusal)
        elif message.is_synchronizing or message.size_bytes > LOOK_AHEAD_BYTES:
            self.start_task(self._look_ahead(start))

    async def _look_ahead(self, start: AppendStart) -> None:
        try:
            await look_ahead(self.session, start, sum(spool.size for spool in self._spools))
        except MailError as error:
            self._refuse_message(start, error)
            await news.end_command(self.session)

    def _refuse_message(self, start: AppendStart, error: Exception) -> None:
        self._discard_spools()
        self.machine.refuse_append()
        self._fail(start.command.tag, start.rule.name, error)

    def _handle_line(self, line: bytes) -> None:
        handler, self._line_handler = self._line_handler, None
        if handler is None:
            return
        work = handler(line)
        if work is not None:
            self.start_task(self._run_task(work, self._line_tag, "AUTHENTICATE", perf_counter()))

    def _answer_bad(self, event: BadCommand) -> None:
        self._discard_spools()
        self._bad_commands += 1
        self.session.may_expunge = event.rule is not None and event.rule.may_expunge
        text = event.error.message
        if event.is_fatal or (event.rule is None and self.session.signed_in is None):
            self.write(untagged(Status.BYE, text))
            self.close()
        elif isinstance(event.error, TooBig):
            self.session.no(event.tag or "*", text, too_big(event.rule))
        elif isinstance(event.error, BadCharset):
            if event.error.saves and self.session.selected is not None:
                self.session.selected.search_result = array("I")
            self.session.no(event.tag or "*", text, response.BADCHARSET)
        else:
            self.session.bad(event.tag or "*", text)
        if self._bad_commands > MAX_BAD_COMMANDS:
            self.write(untagged(Status.BYE, "too many commands that we do not understand"))
            self.close()

    def _carry_out(self, event: CommandReceived) -> None:
        command, rule = event.command, event.rule
        if self.log.enabled(Level.TRACE):
            self.log.trace("RC: ", repr(command).encode(), self.cid)
        self.session.may_expunge = rule.may_expunge
        if (refusal := self._refusal(command, rule)) is not None:
            self._discard_spools()
            self._fail(command.tag, rule.name, refusal)
            return
        started, result, work = perf_counter(), "ok", None
        try:
            work = HANDLERS[type(command)](self.session, command)
        except Exception as error:
            result = self._fail(command.tag, rule.name, error)
        if work is None:
            self._done(rule.name, started, result)
        else:
            self.start_task(self._run_task(work, command.tag, rule.name, started))

    def _refusal(self, command: Command, rule: CommandRule) -> ImapSyntaxError | None:
        """Why the command cannot be carried out now, whatever its arguments."""
        if type(command) not in HANDLERS:
            return ImapSyntaxError(f"{rule.name} is not known here")
        if self.session.state not in rule.states:
            return ImapSyntaxError(f"{rule.name} is not possible now")
        if rule.has_seqs and self.session.has_uidonly:
            return UidRequired(f"use UID {rule.name} once UIDONLY is enabled")
        return None

    async def _run_task(self, work: Coroutine[Any, Any, None], tag: str, name: str, started: float) -> None:
        ORIGIN.set(self.session)
        result = await self._guard(work, tag, name)
        if self.session.ending is not None:
            await news.end_command(self.session)
        self._done(name, started, result)

    async def _guard(self, work: Coroutine[Any, Any, None], tag: str, name: str) -> str:
        """Run `work` and answer what it raises; returns the result for the metric."""
        try:
            await work
        except ConnectionGone:
            raise
        except Exception as error:
            return self._fail(tag, name, error)
        return "ok"

    def _done(self, name: str, started: float, result: str) -> None:
        self.machine.utf8 = self.session.utf8
        child = _commands.get((name, result))
        if child is None:
            child = _commands[name, result] = _COMMANDS.labels(name, result)
        child.observe(perf_counter() - started)

    def _fail(self, tag: str, name: str, error: Exception) -> str:
        """Answer a command that raised; returns the result for the metric."""
        outcome = outcome_of(error)
        if outcome is None:
            trace = "".join(traceback.format_exception(error))
            metrics.PANICS.labels("imapserver").inc()
            self.log.error("imap command failed", cid=self.cid, command=name, trace=trace)
            outcome = SERVER_BUG
        else:
            self.log.debug("imap command refused", cid=self.cid, command=name, reason=error)
        if outcome.status is Status.BAD:
            self.session.bad(tag, outcome.text, outcome.code)
            return "badsyntax"
        self.session.no(tag, outcome.text, outcome.code)
        return "servererror" if outcome is SERVER_BUG or isinstance(error, Temporary) else "usererror"

    def _discard_spools(self) -> None:
        for spool in self.take_spools():
            spool.discard()
