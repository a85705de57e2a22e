"""The server's side of an SMTP connection as a machine without I/O: bytes in, events out, replies to bytes.

    machine.receive_data(data)
    while (event := machine.next_event()) is not None:
        ...                                # a command, a part of a message, a refusal
        wire = machine.send(reply)         # one reply for each event but Chunk

No further event comes before the reply to the last one was sent: that is all there is to pipelining (RFC 2920), and it
keeps replies in order. A positive reply moves the state: 250 to MAIL opens a transaction, 354 to DATA starts the
message, 334 asks for a line of authentication, 220 to STARTTLS stops everything until `tls_started`. Which command is
legal in which state is the table `LEGAL` in events.py. An event `Refused` carries a finished reply; when its `is_last`
is set, the position in the stream, or our trust in the client, is lost: the connection must be closed after it.

Refused with `is_last`: bytes behind STARTTLS, which an attacker may have put in front of the TLS handshake (RFC 3207
§4.2); bytes behind HELO, EHLO and DATA, whose reply has to be awaited (RFC 2920 §3.1, RFC 5321 §4.1.4); overlong lines;
CR, LF or NUL inside a line; a message or chunk that is far above the limit.
"""

from __future__ import annotations

from collections.abc import Callable

from app.errors import WireError
from app.wire.linebuffer import LineBuffer, LineTooLong
from app.wire.smtp import codes
from app.wire.smtp.codes import Status
from app.wire.smtp.command import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Helo,
    Mail,
    Offers,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    decode_base64,
    parse_command,
)
from app.wire.smtp.data import ChunkChecker, DataFault, DotReader
from app.wire.smtp.events import (
    LEGAL,
    MUST_BE_LAST,
    AuthResponse,
    Chunk,
    ChunkEnd,
    EndOfData,
    Event,
    Refused,
    ServerSettings,
    State,
)
from app.wire.smtp.params import BodyKind, CommandError
from app.wire.smtp.reply import Reply

MAX_LINE = 2048  # RFC 5321 §4.5.3.1.4 asks for 512, extensions add to it
MAX_AUTH_LINE = 12288  # RFC 4954 §4
SWALLOW_FACTOR = 2  # how many times the allowed size is read, and thrown away, for the sake of a clear reply


class SmtpServer:
    """One connection, from the greeting on."""

    __slots__ = (
        "_body",
        "_buffer",
        "_checker",
        "_chunk_end",
        "_dots",
        "_offers",
        "_pending",
        "_queued",
        "_received",
        "_remaining",
        "_size",
        "_state_after_chunk",
        "commands",
        "has_tls",
        "is_authenticated",
        "is_esmtp",
        "line",
        "settings",
        "smtputf8",
        "state",
    )

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.state = State.START
        self.has_tls = settings.has_tls
        self.is_esmtp = False
        self.is_authenticated = False
        self.commands = 0  # lines taken as commands
        self.line = b""  # the last one, for a trace
        self._buffer = LineBuffer()
        self._pending: Event | None = None  # has not been replied to
        self._queued: Event | None = None
        self._offers = self._make_offers()
        self._reset_transaction()
        self._remaining = 0  # bytes of the chunk that are still to come
        self._chunk_end: Event | None = None
        self._state_after_chunk = State.READY

    def _make_offers(self) -> Offers:
        words = {"SIZE", "BODY", "SMTPUTF8", "AUTH"}
        if self.settings.offers_requiretls:
            words.add("REQUIRETLS")
        if self.settings.offers_future_release:
            words |= {"HOLDFOR", "HOLDUNTIL"}
        if not self.settings.offers_dsn:
            return Offers(mail=frozenset(words))
        return Offers(mail=frozenset(words | {"RET", "ENVID"}), rcpt=frozenset({"NOTIFY", "ORCPT"}))

    def _reset_transaction(self) -> None:
        self.smtputf8 = False
        self._body = BodyKind.SEVEN_BIT
        self._size = 0  # of the message so far
        self._received = 0  # the same as it came, with what was thrown away
        self._dots: DotReader | None = None
        self._checker: ChunkChecker | None = None

    @property
    def has_input(self) -> bool:
        """Whether bytes wait that no event was made of."""
        return len(self._buffer) > 0

    @property
    def buffered(self) -> int:
        """How many bytes wait."""
        return len(self._buffer)

    @property
    def is_in_auth(self) -> bool:
        """Whether the next bytes belong to an authentication exchange."""
        return self.state is State.AUTH

    @property
    def is_in_data(self) -> bool:
        """Whether the next bytes belong to a message."""
        return self.state in (State.DATA, State.CHUNK)

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if self.state is not State.CLOSED:
            self._buffer.feed(data)

    def tls_started(self) -> None:
        """The handshake is done: everything that was learnt before is forgotten (RFC 3207 §4.2)."""
        self._buffer.clear()
        self._reset_transaction()
        self.state = State.START
        self.has_tls = True
        self.is_esmtp = self.is_authenticated = False

    def next_event(self) -> Event | None:
        """What happened next; None when more bytes, or the reply to the last event, are needed first."""
        if self._pending is not None:
            return None
        event = self._queued
        if event is not None:
            self._queued = None
        else:
            read = _READERS.get(self.state)
            event = read(self) if read else None
        if event is not None and not isinstance(event, Chunk):
            self._pending = event
        return event

    def send(self, reply: Reply) -> bytes:
        """The wire form of the reply to the last event; moves the state."""
        event, self._pending = self._pending, None
        utf8 = self.smtputf8  # also of the reply that ends the transaction
        if (isinstance(event, Refused) and event.is_last) or reply.code == 421:
            self.state = State.CLOSED
        elif (move := _MOVES.get(type(event))) is not None:
            move(self, event, reply)
        return reply.encode(utf8=utf8)

    # Reading.

    def _next_command(self) -> Event | None:
        try:
            line = self._buffer.line(MAX_LINE)
        except WireError as err:
            return _refuse_line(err)
        if line is None:
            return None
        self.commands += 1
        self.line = line
        try:
            command = parse_command(line, self._offers)
        except CommandError as err:
            if self.commands == 1 and err.status is codes.UNKNOWN_COMMAND:
                return _refuse_last(codes.BAD_SYNTAX, "this is an SMTP server")
            return Refused(err.status.reply(err.message))
        return self._check(command, line.isascii())

    def _check(self, command: Command, is_ascii: bool) -> Event | None:
        if isinstance(command, MUST_BE_LAST) and len(self._buffer):
            return _refuse_last(codes.BAD_SEQUENCE, "wait for the reply to this command before sending more")
        refusal = self._refusal_of(command, is_ascii)
        if isinstance(command, Bdat):
            return self._begin_chunk(command, refusal)
        return command if refusal is None else Refused(refusal)

    def _refusal_of(self, command: Command, is_ascii: bool) -> Reply | None:
        """Why the command cannot be given now."""
        if type(command) not in LEGAL[self.state]:
            return self._illegal(command)
        if isinstance(command, Mail):
            return self._refusal_of_mail(command, is_ascii)
        if isinstance(command, Rcpt) and not is_ascii and not self.smtputf8:
            return codes.NEEDS_SMTPUTF8.reply("non-ASCII addresses need SMTPUTF8 at MAIL")
        if isinstance(command, Data) and self._body is BodyKind.BINARY:
            return codes.BAD_SEQUENCE.reply("a BINARYMIME message has to come by BDAT")  # RFC 3030 §3
        if isinstance(command, StartTls) and not self.settings.offers_starttls:
            return codes.NOT_OFFERED.reply("STARTTLS is not offered here")
        if isinstance(command, StartTls) and self.has_tls:
            return codes.BAD_SEQUENCE.reply("TLS is active already")
        if isinstance(command, Auth):
            return self._refusal_of_auth()
        return None

    def _refusal_of_mail(self, command: Mail, is_ascii: bool) -> Reply | None:
        params = command.params
        if not is_ascii and not params.smtputf8:
            return codes.NEEDS_SMTPUTF8.reply("non-ASCII addresses need the parameter SMTPUTF8")
        if params.size is not None and params.size > self.settings.max_size:
            return codes.MESSAGE_TOO_LARGE.reply(f"message too large, at most {self.settings.max_size} bytes")
        if params.body is BodyKind.BINARY and not self.settings.offers_binary:
            return codes.UNKNOWN_PARAMETER.reply("BINARYMIME is not offered here")
        if params.requiretls and not self.has_tls:
            return codes.REQUIRETLS_NEEDS_TLS.reply("REQUIRETLS is only possible with TLS")
        return None

    def _refusal_of_auth(self) -> Reply | None:
        if not self.settings.offers_auth:
            return codes.NOT_OFFERED.reply("authentication is not offered here, use the submission port")
        return codes.BAD_SEQUENCE.reply("already authenticated") if self.is_authenticated else None

    def _illegal(self, command: Command) -> Reply:
        if self.state is State.START:
            return codes.BAD_SEQUENCE.reply("say EHLO first")
        if isinstance(command, Mail):
            return codes.BAD_SEQUENCE.reply("a transaction is open already, RSET ends it")
        if isinstance(command, Data | Bdat) and self.state is State.MAIL:
            return codes.NO_RECIPIENTS.reply("no valid recipients")
        if isinstance(command, Rcpt | Data | Bdat) and self.state is State.READY:
            return codes.BAD_SEQUENCE.reply("say MAIL first")
        return codes.BAD_SEQUENCE.reply("not possible at this point")

    def _next_auth_line(self) -> Event | None:
        try:
            line = self._buffer.line(MAX_AUTH_LINE)
        except WireError as err:
            return _refuse_line(err)
        if line is None:
            return None
        self.line = line
        if line == b"*":
            return AuthResponse(None)
        try:
            return AuthResponse(decode_base64(line))
        except CommandError as err:
            self.state = State.READY
            return Refused(err.status.reply(err.message))

    def _next_data(self) -> Event | None:
        assert self._dots is not None
        if not len(self._buffer):
            return None
        data = self._buffer.take()
        self._received += len(data)
        content = self._dots.feed(data)
        self._size += len(content)
        fault = self._dots.fault or self._size_fault()
        if self._dots.rest is not None:
            self._buffer.put_back(self._dots.rest)
            self._queued = EndOfData(self._size, fault)
        elif self._received > self._swallow_limit():
            return _refuse_last(codes.MESSAGE_TOO_LARGE, "message too large")
        return self._chunk_or_next(content, fault)

    def _chunk_or_next(self, content: bytes, fault: DataFault | None) -> Event | None:
        if content and fault is None:
            return Chunk(content)
        event, self._queued = self._queued, None
        return event

    def _size_fault(self) -> DataFault | None:
        return DataFault.TOO_LARGE if self._size > self.settings.max_size else None

    def _swallow_limit(self) -> int:
        return SWALLOW_FACTOR * self.settings.max_size

    # Chunks (RFC 3030).

    def _begin_chunk(self, command: Bdat, refusal: Reply | None) -> Event | None:
        """The bytes follow whether the command is legal or not, and have to be read."""
        if command.size + self._size > self._swallow_limit():
            return _refuse_last(codes.MESSAGE_TOO_LARGE, "message too large")
        self._remaining = command.size
        self._chunk_end = Refused(refusal) if refusal else command
        if refusal is None and self._checker is None:
            self._checker = ChunkChecker(is_binary=self._body is BodyKind.BINARY)
        self._state_after_chunk = self.state
        self.state = State.CHUNK
        return self._next_chunk()

    def _next_chunk(self) -> Event | None:
        data = self._buffer.take(self._remaining) if self._remaining else b""
        self._remaining -= len(data)
        command = self._chunk_end
        if not isinstance(command, Bdat):
            if not self._remaining:
                self._queued = command
                self.state = self._state_after_chunk
            return self._chunk_or_next(b"", None)
        assert self._checker is not None
        self._size += len(data)
        fault = self._checker.feed(data) or self._size_fault()
        if not self._remaining:
            self.state = self._state_after_chunk
            fault = (self._checker.finish() or fault) if command.is_last else fault
            self._queued = EndOfData(self._size, fault) if command.is_last else ChunkEnd(command.size)
        return self._chunk_or_next(data, fault)

    # Moves: what a reply does to the state.

    def _greeted(self, event: object, reply: Reply) -> None:
        if reply.is_positive:
            self._reset_transaction()
            self.state = State.READY
            self.is_esmtp = isinstance(event, Ehlo)

    def _starting_tls(self, event: object, reply: Reply) -> None:
        if reply.is_positive:
            self.state = State.TLS

    def _authenticating(self, event: object, reply: Reply) -> None:
        self.state = State.AUTH if reply.code == 334 else State.READY
        self.is_authenticated = reply.code == 235

    def _mail_answered(self, event: object, reply: Reply) -> None:
        if reply.is_positive and isinstance(event, Mail):
            self.state = State.MAIL
            self.smtputf8 = event.params.smtputf8
            self._body = event.params.body or BodyKind.SEVEN_BIT

    def _rcpt_answered(self, event: object, reply: Reply) -> None:
        if reply.is_positive:
            self.state = State.RCPT

    def _data_answered(self, event: object, reply: Reply) -> None:
        if reply.code == 354:
            self.state = State.DATA
            self._dots = DotReader()

    def _chunk_answered(self, event: object, reply: Reply) -> None:
        if reply.is_positive:
            self.state = State.CHUNKS
        else:
            self._end_transaction(event, reply)

    def _end_transaction(self, event: object, reply: Reply) -> None:
        if self.state is not State.START:
            self.state = State.READY
        self._reset_transaction()

    def _quit(self, event: object, reply: Reply) -> None:
        self.state = State.CLOSED


def _refuse_last(status: Status, text: str) -> Refused:
    return Refused(status.reply(text), is_last=True)


def _refuse_line(err: WireError) -> Refused:
    text = err.message if isinstance(err, LineTooLong) else f"{err.message}, lines end in CRLF"
    return _refuse_last(codes.BAD_SYNTAX, text)


_READERS: dict[State, Callable[[SmtpServer], Event | None]] = {
    State.START: SmtpServer._next_command,
    State.READY: SmtpServer._next_command,
    State.MAIL: SmtpServer._next_command,
    State.RCPT: SmtpServer._next_command,
    State.CHUNKS: SmtpServer._next_command,
    State.AUTH: SmtpServer._next_auth_line,
    State.DATA: SmtpServer._next_data,
    State.CHUNK: SmtpServer._next_chunk,
}

_MOVES: dict[type, Callable[[SmtpServer, object, Reply], None]] = {
    Helo: SmtpServer._greeted,
    Ehlo: SmtpServer._greeted,
    StartTls: SmtpServer._starting_tls,
    Auth: SmtpServer._authenticating,
    AuthResponse: SmtpServer._authenticating,
    Mail: SmtpServer._mail_answered,
    Rcpt: SmtpServer._rcpt_answered,
    Data: SmtpServer._data_answered,
    ChunkEnd: SmtpServer._chunk_answered,
    EndOfData: SmtpServer._end_transaction,
    Rset: SmtpServer._end_transaction,
    Quit: SmtpServer._quit,
}
