"""One conversation with an SMTP server over asyncio: greeting, EHLO, STARTTLS, AUTH, any number of messages, QUIT.

    talk = await Conversation.open(peer, local)
    await talk.greet("mx.example.org")
    if talk.capabilities.starttls: await talk.start_tls(opportunistic_context())
    result = await talk.send(envelope, prefix, body)
    talk.quit()

The grammar is `wire/smtp/client.py`. Here are the waiting and its limits: every reply has a deadline, ten minutes for
the one after the message, as the server may have to store it first (RFC 5321 §4.5.3.2.6): giving up sooner sends it
twice. Failures are SmtpFailed, with the reply if the server gave one; TlsFailed says that another try without TLS may
work. After a failure the conversation is over; `close` may always be called.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import functools
import mmap
import ssl
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from app.errors import MailError, SmtpSyntaxError, WireError
from app.ids import connection_id
from app.log import Level, logger
from app.metrics import histogram
from app.net.certificatefault import certificate_fault
from app.net.dial import connect
from app.net.dialogue import Dialogue
from app.net.socksproxy import Proxy, connect_through
from app.net.tls import TlsInfo, peer_chain, tls_info
from app.wire.sasl.clients import ClientExchange
from app.wire.smtp.address import IPAddress
from app.wire.smtp.client import (
    Answered,
    Capabilities,
    Envelope,
    SmtpClient,
    Transaction,
    TransactionResult,
    Verb,
    parse_capabilities,
)
from app.wire.smtp.outgoing import chunk, is_clean, stuffed
from app.wire.smtp.reply import Reply

COMMAND_S = 120.0  # RFC 5321 §4.5.3.2 asks for 5 minutes; nobody was seen who needs more than this
DATA_S = 180.0  # per piece of the message, RFC 5321 §4.5.3.2.5
FINAL_S = 600.0
TLS_S = 60.0
MAX_AUTH_ROUNDS = 10
CHUNK_FROM = 64 * 1024  # smaller messages gain nothing by BDAT
THREAD_BYTES = 1024 * 1024

log = logger("smtpclient")
_durations = histogram("smtpclient_command_duration_seconds", "Time to each reply.", ("cmd", "code", "secode"))


class SmtpFailed(MailError):
    """The conversation cannot go on. `reply` is what the server said, if that is the reason."""

    def __init__(self, text: str, reply: Reply | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.reply = reply


class TlsFailed(SmtpFailed):
    """TLS did not come about, or not as demanded; `result` is a result type of RFC 8460 §4.3."""

    def __init__(self, text: str, reply: Reply | None = None, result: str = "validation-failure") -> None:
        super().__init__(text, reply)
        self.result = result

    @property
    def is_without_starttls(self) -> bool:
        """Whether the server never began."""
        return self.result == "starttls-not-supported"


@dataclass(frozen=True, slots=True)
class Peer:
    """The server talked to: the name it was found by, and where it is."""

    host: str
    ip: IPAddress
    port: int = 25


@functools.cache
def opportunistic_context() -> ssl.SSLContext:
    """TLS with whoever answers: better than none, and no more is claimed (RFC 7435)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@functools.cache
def verified_context() -> ssl.SSLContext:
    """TLS with a certificate that the system's authorities vouch for."""
    return ssl.create_default_context()


class Conversation(asyncio.Protocol):
    """A connection to a server and what it has said."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.cid = connection_id()
        self.dialogue = Dialogue()
        self.capabilities = Capabilities()
        self.has_tls = False
        self.security = ""  # what is known of the other side, in words
        self.sent_body = False  # a message may have arrived although no reply came
        self.used = 0  # messages tried here
        self._is_open = False  # a transaction that the server may still hold open
        self._hostname = ""
        self._client = SmtpClient()
        self._transport: asyncio.Transport | None = None
        self._answers: deque[Answered] = deque()
        self._error: SmtpFailed | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def open(
        cls,
        peer: Peer,
        local: Sequence[IPAddress] = (),
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> Conversation:
        """Connect; with `tls` it starts at once, as on port 465. Raises DialFailed or TlsFailed."""
        if proxy is not None:
            talk = await connect_through(proxy, lambda: cls(peer), peer.ip, peer.port)
        else:
            talk = await connect(lambda: cls(peer), peer.ip, peer.port, local)
        if tls is not None:
            await talk._upgrade(tls)
        return talk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        log.trace("RS: ", data, self.cid)
        try:
            for answered in self._client.receive_data(data):
                self._answers.append(answered)
                self._hear(answered.reply)
        except SmtpSyntaxError as err:
            self.dialogue.note(f"what the server said breaks the protocol: {data[:80]!r}")
            self._fail(f"server breaks the protocol: {err.message}")
            self.close()
        if self._client.is_broken:
            self._fail("server breaks the protocol: reply that nothing was asked for")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.dialogue.note(f"the connection was lost: {exc}" if exc else "the connection was closed")
        self._fail(f"connection lost: {exc}" if exc else "connection closed by the server")
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def record_to(self, dialogue: Dialogue) -> None:
        """From now on what is said goes there, and what was said since the last time."""
        dialogue.absorb(self.dialogue)
        self.dialogue = dialogue

    async def greet(self, hostname: str) -> None:
        """Read the greeting and say EHLO, or HELO to a server that does not know it."""
        await self._expect((220,), await self._next(Verb.GREETING))
        self._hostname = hostname
        await self._say_hello()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS and EHLO again; raises TlsFailed when TLS does not come about."""
        answered = await self._command(Verb.STARTTLS, "STARTTLS")
        if answered.reply.code != 220:
            raise TlsFailed("server refused STARTTLS", answered.reply, "starttls-not-supported")
        if not self._client.is_quiet():
            raise TlsFailed("server sent more before TLS began")
        await self._upgrade(context)
        await self._say_hello()

    async def login(self, name: str, exchange: ClientExchange) -> None:
        """AUTH by the mechanism of that name; raises SmtpFailed when either side does not believe the other."""
        self.dialogue.note(f"AUTH {name}; what proves who we are is not shown")
        first = exchange.initial()
        line = f"AUTH {name}" + ("" if first is None else f" {_base64(first) or '='}")
        answered = await self._command(Verb.AUTH, line, Level.TRACEAUTH)
        try:
            for _ in range(MAX_AUTH_ROUNDS):
                if answered.reply.code != 334:
                    break
                challenge = base64.b64decode(answered.reply.text, validate=True)
                answered = await self._command(Verb.AUTH, _base64(exchange.answer(challenge)), Level.TRACEAUTH)
            await self._expect((235,), answered)
            exchange.finish()
        except (binascii.Error, WireError) as err:
            raise SmtpFailed(f"cannot sign in: {err}") from None

    async def send(self, envelope: Envelope, prefix: bytes, body: bytes | mmap.mmap) -> TransactionResult:
        """One transaction; recipients may be left over (None), and a server that leaves has answered for all."""
        self.sent_body = False
        self.used += 1
        if self._is_open:
            await self._expect((250,), await self._command(Verb.RSET, "RSET"))
        self._is_open = True
        by_chunk = await self._goes_by_chunk(envelope, prefix, body)
        transaction = Transaction(envelope, self.capabilities, self._client, by_chunk)
        self._write(transaction.start())
        while not transaction.is_done:
            if transaction.wants_body:
                self.sent_body = True
                await self._write_body(chunk(prefix, body) if by_chunk else stuffed(prefix, body))
                transaction.body_written()
            answered = await self._next()
            try:
                self._write(transaction.take(answered))
            except SmtpSyntaxError as err:
                self._fail(f"server breaks the protocol: {err.message}")
                self.abort()
                raise SmtpFailed(f"server breaks the protocol: {err.message}") from None
        self._is_open = transaction.result.final is None
        return transaction.result

    def quit(self) -> None:
        """Take leave, without waiting for the answer: what was sent is already sure."""
        if self._error is None and self._transport is not None and not self._transport.is_closing():
            self._write(self._client.command(Verb.QUIT, "QUIT"))
        self.close()

    @property
    def is_exhausted(self) -> bool:
        """Whether the server has said that it takes no more messages on this connection (RFC 9422)."""
        return 0 < self.capabilities.mail_max <= self.used

    @property
    def is_usable(self) -> bool:
        """Whether another message may be tried here."""
        return self._error is None and self._client.is_quiet() and not self._answers

    @property
    def bindings(self) -> TlsInfo | None:
        """What a sign-in can be bound to; None without TLS."""
        found = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return tls_info(found) if found is not None else None

    def peer_chain(self) -> list[bytes]:
        """The certificates that the server has shown, its own first, as DER."""
        found = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return peer_chain(found) if found is not None else []

    @property
    def tls_version(self) -> str:
        """Such as "TLS 1.3"; "" without TLS."""
        cipher = self._transport.get_extra_info("cipher") if self._transport is not None else None
        return str(cipher[1]).replace("TLSv", "TLS ") if cipher else ""

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def _say_hello(self) -> None:
        answered = await self._command(Verb.EHLO, f"EHLO {self._hostname}")
        if answered.reply.code in (500, 501, 502, 504):
            answered = await self._command(Verb.HELO, f"HELO {self._hostname}")
        await self._expect((250,), answered)
        self.capabilities = parse_capabilities(answered.reply) if answered.verb is Verb.EHLO else Capabilities()

    async def _upgrade(self, context: ssl.SSLContext) -> None:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self, context, server_hostname=self.peer.host, ssl_handshake_timeout=TLS_S
            )
        except ssl.SSLCertVerificationError as err:
            self.abort()
            fault = certificate_fault(err)
            raise TlsFailed(fault.words, result=fault.result) from None
        except (OSError, ValueError, TimeoutError) as err:  # ssl.SSLError is an OSError
            self.abort()
            raise TlsFailed(f"TLS handshake failed: {err}") from None
        if transport is None:
            raise TlsFailed("connection lost in the TLS handshake")
        self._transport = transport
        self.has_tls = True
        cipher = transport.get_extra_info("cipher")
        verified = "the certificate was checked" if context.verify_mode else "the certificate was not checked"
        self.dialogue.note(f"{cipher[1] if cipher else 'TLS'} begins; {verified}")

    async def _command(self, verb: Verb, line: str, secret: Level = Level.TRACE) -> Answered:
        self._write(self._client.command(verb, line), secret)
        return await self._next(verb)

    async def _expect(self, codes: tuple[int, ...], answered: Answered) -> None:
        if answered.reply.code not in codes:
            raise SmtpFailed(f"server refused {answered.verb.name}", answered.reply)

    async def _next(self, verb: Verb | None = None) -> Answered:
        """The next reply, within its time."""
        started = time.monotonic()
        limit = FINAL_S if self._client.awaits_final else COMMAND_S
        try:
            async with asyncio.timeout(limit):
                while not self._answers:
                    if self._error is not None:
                        raise self._error
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError:
            self.abort()
            raise SmtpFailed(f"no reply within {limit:.0f} seconds") from None
        answered = self._answers.popleft()
        got = answered.reply
        _durations.labels(answered.verb.value, got.code, got.enhanced[:3]).observe(time.monotonic() - started)
        if verb is not None and answered.verb is Verb.UNASKED:
            raise SmtpFailed("server closes the connection", got)
        return answered

    async def _goes_by_chunk(self, envelope: Envelope, prefix: bytes, body: bytes | mmap.mmap) -> bool:
        """Whether BDAT is possible, and of use: a large message need not be searched for dots."""
        if not self.capabilities.chunking or envelope.size < CHUNK_FROM:
            return False
        if envelope.size < THREAD_BYTES:
            return is_clean(prefix, body)
        return await asyncio.to_thread(is_clean, prefix, body)

    async def _write_body(self, pieces: Iterable[bytes]) -> None:
        size = 0
        for piece in pieces:
            if self._answers:  # the server has heard enough; with half a message behind it, nothing can follow
                self._fail("server refused the message before its end")
                break
            self._write(piece, Level.TRACEDATA)
            size += len(piece)
            if self._writable.is_set():
                continue
            try:
                async with asyncio.timeout(DATA_S):
                    await self._writable.wait()
            except TimeoutError:
                self.abort()
                raise SmtpFailed(f"server took no data for {DATA_S:.0f} seconds") from None
            if self._error is not None:
                raise self._error
        self.dialogue.note(f"{size} bytes of the message were sent")

    def _write(self, data: bytes, secret: Level = Level.TRACE) -> None:
        if not data:
            return
        if self._error is not None and not self._answers:
            raise self._error
        assert self._transport is not None
        log.trace("LC: ", data, self.cid, secret)
        if secret is Level.TRACE:
            self.dialogue.say(data.decode("utf-8", "replace"))
        self._transport.write(data)

    def _hear(self, got: Reply) -> None:
        if got.code == 334:
            self.dialogue.hear("334, a question to prove who we are")
            return
        code = f"{got.code} {got.enhanced} " if got.enhanced else f"{got.code} "
        for line in got.lines:
            self.dialogue.hear(code + line)

    def _fail(self, text: str) -> None:
        self._error = self._error or SmtpFailed(text)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
