"""The client's side of SMTP as a machine without sockets (RFC 5321 §3, RFC 2920).

    client = SmtpClient()
    client.expect_greeting()
    line = client.command(Verb.EHLO, "EHLO mx.example.org")        # bytes to write
    for answered in client.receive_data(data): ...                 # each reply with the command it answers

    transaction = Transaction(envelope, capabilities, client)
    transaction.start() -> bytes; transaction.take(answered) -> bytes; when wants_body: what `outgoing.py` makes of the
    message, body_written(), take the last reply

Replies come in the order of commands and are matched here; one that nobody waits for is an error, but for 421, by
which a server may leave at any time. A server may say anything: replies are bounded by `reply.py`, capabilities by
MAX_LINES there. Raises SmtpSyntaxError, after which the connection is of no more use.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from app.errors import SmtpSyntaxError
from app.wire.smtp.address import Address, AddressLiteral, ReversePath
from app.wire.smtp.reply import Reply, ReplyParser, reply

MAX_PIPELINED = 100  # recipients written before their replies are read: fits every socket buffer, so nobody deadlocks


class Verb(Enum):
    """The commands we send; GREETING and BODY wait for a reply too, UNASKED is a 421 out of turn."""

    GREETING = "greeting"
    EHLO = "ehlo"
    HELO = "helo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mailfrom"
    RCPT = "rcptto"
    DATA = "data"
    BODY = "enddata"
    RSET = "rset"
    QUIT = "quit"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply and the command it answers."""

    verb: Verb
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the reply to EHLO offers."""

    pipelining: bool = False
    starttls: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    requiretls: bool = False
    dsn: bool = False
    size: int | None = None  # the limit; 0 for none stated; None without the extension
    auth: frozenset[str] = frozenset()
    chunking: bool = False
    rcpt_max: int = 0  # LIMITS RCPTMAX (RFC 9422); 0 for none
    mail_max: int = 0  # LIMITS MAILMAX: messages on one connection; 0 for none


def parse_capabilities(ehlo: Reply) -> Capabilities:
    """The capabilities in a reply to EHLO; unknown and broken lines are passed over."""
    words = [line.upper().split() for line in ehlo.lines[1:]]
    offers = {line[0]: line[1:] for line in words if line}
    limits = dict(word.partition("=")[::2] for word in offers.get("LIMITS", ()))
    # "AUTH=PLAIN" is how old servers wrote it.
    mechanisms = [name for line in words if line for name in _mechanisms(line)]
    return Capabilities(
        pipelining="PIPELINING" in offers,
        starttls="STARTTLS" in offers,
        eight_bit="8BITMIME" in offers,
        smtputf8="SMTPUTF8" in offers,
        requiretls="REQUIRETLS" in offers,
        dsn="DSN" in offers,
        size=_number(offers["SIZE"]) if "SIZE" in offers else None,
        auth=frozenset(mechanisms),
        chunking="CHUNKING" in offers,
        rcpt_max=_number([limits.get("RCPTMAX", "")]),
        mail_max=_number([limits.get("MAILMAX", "")]),
    )


def _mechanisms(line: list[str]) -> list[str]:
    if line[0] == "AUTH":
        return line[1:]
    return [line[0][5:], *line[1:]] if line[0].startswith("AUTH=") else []


def _number(words: list[str]) -> int:
    return int(words[0]) if words and words[0].isascii() and words[0].isdigit() and len(words[0]) < 20 else 0


class SmtpClient:
    """Matches replies to the commands that were written."""

    __slots__ = ("_is_in_body", "_parser", "_waiting", "is_broken")

    def __init__(self) -> None:
        self.is_broken = False  # the server has said more than it was asked
        self._is_in_body = False
        self._parser = ReplyParser()
        self._waiting: deque[Verb] = deque([Verb.GREETING])

    def command(self, verb: Verb, line: str) -> bytes:
        """The bytes of a command; its reply is waited for."""
        if "\r" in line or "\n" in line:
            raise SmtpSyntaxError("line break in a command")
        self._waiting.append(verb)
        return line.encode("utf-8") + b"\r\n"

    def body_begins(self) -> None:
        """From now on a message is written, which the server may refuse before its end."""
        self._is_in_body = True

    def body_sent(self) -> None:
        """The message has been written; its reply is waited for, unless it was refused before."""
        if self._is_in_body:
            self._waiting.append(Verb.BODY)
        self._is_in_body = False

    def receive_data(self, data: bytes) -> list[Answered]:
        """The replies that `data` completes, in order. A good one counts although an unasked one comes behind it."""
        answers: list[Answered] = []
        for got in self._parser.receive_data(data):
            if answers and not self._is_awaited(got):
                self.is_broken = True
                break
            answers.append(self._match(got))
        return answers

    def is_quiet(self) -> bool:
        """Whether nothing is waited for and nothing was left over; must be so before TLS starts."""
        return self._parser.is_idle and not self._waiting and not self.is_broken

    @property
    def awaits_final(self) -> bool:
        """Whether the next reply is that to a whole message, which may take long."""
        return bool(self._waiting) and self._waiting[0] is Verb.BODY

    def _is_awaited(self, got: Reply) -> bool:
        return bool(self._waiting) or got.code == 421 or (self._is_in_body and got.code >= 400)

    def _match(self, got: Reply) -> Answered:
        if self._waiting:
            return Answered(self._waiting.popleft(), got)
        if self._is_in_body and got.code >= 400:
            self._is_in_body = False
            return Answered(Verb.BODY, got)
        if got.code == 421:
            return Answered(Verb.UNASKED, got)
        raise SmtpSyntaxError("reply that nothing was asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient with what it brought along for DSN."""

    path: Address | AddressLiteral
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What one transaction is to say."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    size: int
    has_8bit: bool = False
    smtputf8: bool = False
    require_tls: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(slots=True)
class TransactionResult:
    """What became of each recipient, in their order; None for one that may go in another transaction."""

    replies: list[Reply | None]
    final: Reply | None = None  # the reply to the message, when it was sent
    is_ours: bool = False  # the refusal is our own: the server has said that it cannot take such a message


@dataclass(slots=True)
class Transaction:
    """MAIL to end of data. Recipients that the server has no room for are left at None in the result."""

    envelope: Envelope
    capabilities: Capabilities
    client: SmtpClient
    by_chunk: bool = False  # the message goes by BDAT (RFC 3030), once it is known who gets it
    wants_body: bool = False
    is_done: bool = False
    result: TransactionResult = field(init=False)
    _written: int = 0  # recipients
    _answered: int = 0
    _accepted: list[int] = field(default_factory=list)
    _data_written: bool = False
    _mail_refusal: Reply | None = None

    def __post_init__(self) -> None:
        self.result = TransactionResult([None] * len(self.envelope.recipients))

    def start(self) -> bytes:
        """The first bytes to write; none when the server cannot take this message, which is done then."""
        refusal = check(self.envelope, self.capabilities)
        if refusal is not None:
            self.result.is_ours = True
            self._end(refusal)
            return b""
        line = self.client.command(Verb.MAIL, self._mail_line())
        return line + self._write_more() if self.capabilities.pipelining else line

    def take(self, answered: Answered) -> bytes:
        """A reply came; the bytes to write next, if any."""
        # A 2xx for DATA would be a message that was never sent and yet counts as delivered.
        if answered.reply.code < 400 and answered.reply.code // 100 != (3 if answered.verb is Verb.DATA else 2):
            raise SmtpSyntaxError(f"reply {answered.reply.code} to {answered.verb.name}")
        if answered.reply.code == 421 or answered.verb is Verb.UNASKED:
            self._end(answered.reply)
        elif answered.verb is Verb.MAIL:
            return self._take_mail(answered.reply)
        elif answered.verb is Verb.RCPT:
            return self._take_rcpt(answered.reply)
        elif answered.verb is Verb.DATA:
            return self._take_data(answered.reply)
        elif answered.verb is Verb.BODY:
            self.result.final = answered.reply
            self._end(answered.reply)
        return b""

    def body_written(self) -> None:
        """The caller has written the message and its end."""
        self.wants_body = False
        self.client.body_sent()

    def _take_mail(self, got: Reply) -> bytes:
        if got.code >= 400:
            self._mail_refusal = got
            if not self._written:
                self._end(got)
            return b""
        return b"" if self.capabilities.pipelining else self._write_more()

    def _take_rcpt(self, got: Reply) -> bytes:
        index = self._answered
        self._answered += 1
        # RFC 5321 §4.5.3.1.10: 452, and 552 of old servers, mean "enough for this transaction" once some were taken.
        has_no_room = bool(self._accepted) and (got.code == 452 or (got.code == 552 and got.enhanced in ("", "5.5.3")))
        if self._mail_refusal is None and not has_no_room:
            self.result.replies[index] = got
        if got.code < 400:
            self._accepted.append(index)
        if self._answered < self._written or self._data_written:
            return b""
        return self._write_more()

    def _take_data(self, got: Reply) -> bytes:
        if got.code < 400 and self._accepted and self._mail_refusal is None:
            self._begin_body()
            return b""
        if got.code < 400:  # RFC 2920 §3.1: it must be ended although nobody gets it
            self.client.body_begins()
            self.client.body_sent()
            return b".\r\n"
        self._end(self._mail_refusal or got)
        return b""

    def _write_more(self) -> bytes:
        """RCPT commands, then DATA; one at a time without PIPELINING."""
        limit = len(self.envelope.recipients)
        if self.capabilities.rcpt_max:
            limit = min(limit, self.capabilities.rcpt_max)
        step = MAX_PIPELINED if self.capabilities.pipelining else 1
        until = min(limit, self._written + step)
        lines = [self.client.command(Verb.RCPT, self._rcpt_line(n)) for n in range(self._written, until)]
        self._written = until
        if self._written == limit and (self.capabilities.pipelining or not lines):
            if self._answered == limit and (not self._accepted or (self.by_chunk and self._mail_refusal)):
                self._end(self._mail_refusal)
            elif not self.by_chunk:
                self._data_written = True
                lines.append(self.client.command(Verb.DATA, "DATA"))
            elif self._answered == limit:
                self._begin_body()
        return b"".join(lines)

    def _begin_body(self) -> None:
        self.wants_body = True
        self.client.body_begins()

    def _end(self, final: Reply | None) -> None:
        """Recipients that were accepted, or never answered, share the fate of the message."""
        self.is_done = True
        if final is None:
            return
        # A server that refuses the message, or leaves, has refused everybody it had not refused before.
        for index, got in enumerate(self.result.replies):
            if index in self._accepted or (got is None and final.code >= 400 and index >= self._answered):
                self.result.replies[index] = final
            elif got is None and self._mail_refusal is not None:
                self.result.replies[index] = self._mail_refusal

    def _mail_line(self) -> str:
        envelope, offers = self.envelope, self.capabilities
        words = [f"MAIL FROM:<{envelope.reverse_path.wire}>"]
        if offers.size is not None:
            words.append(f"SIZE={envelope.size}")
        if offers.eight_bit:
            words.append("BODY=8BITMIME" if envelope.has_8bit else "BODY=7BIT")
        if envelope.smtputf8:
            words.append("SMTPUTF8")
        if envelope.require_tls:
            words.append("REQUIRETLS")
        if offers.dsn and envelope.ret:
            words.append(f"RET={envelope.ret}")
        if offers.dsn and envelope.envid:
            words.append(f"ENVID={envelope.envid}")
        return " ".join(words)

    def _rcpt_line(self, index: int) -> str:
        recipient = self.envelope.recipients[index]
        line = f"RCPT TO:<{recipient.path.wire}>"
        if self.capabilities.dsn and recipient.notify:
            line += f" NOTIFY={recipient.notify}"
        if self.capabilities.dsn and recipient.orcpt:
            line += f" ORCPT={recipient.orcpt}"
        return line


def check(envelope: Envelope, offers: Capabilities) -> Reply | None:
    """Our own refusal of a message that the server has said it cannot take."""
    if offers.size and envelope.size > offers.size:
        text = f"The message has {envelope.size} bytes; the server takes at most {offers.size}."
        return reply(552, "5.3.4", text)
    if envelope.smtputf8 and not offers.smtputf8:
        text = "An address or the header has letters that are not ASCII; the server takes none (SMTPUTF8)."
        return reply(553, "5.6.7", text)
    if envelope.has_8bit and not offers.eight_bit:
        return reply(554, "5.6.3", "The message has 8-bit data; the server takes none (8BITMIME).")
    if envelope.require_tls and not offers.requiretls:
        text = "Encryption all the way was asked for; the server does not promise it (REQUIRETLS)."
        return reply(554, "5.7.30", text)
    return None
