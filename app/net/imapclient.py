"""One conversation with another IMAP server, to read the mail that is there: sign in, list, examine, fetch.

    client = await ImapClient.open(endpoint, ip)
    await client.sign_in(Login(user, password))
    for folder in (await client.folders()).listed: ...
    opened = await client.examine(folder.raw)
    messages = await client.fetch(uids, size, new_spool)

Nothing is changed on the server: mailboxes are opened by EXAMINE, bodies are peeked at. It is not imaplib, which reads
a literal of any size into memory, keeps whatever a server says unasked, and has no deadlines. Here lines, literals,
counts and times are bounded, and large messages go to a file as they come.

Failures are ImapFailed: ImapTlsFailed, ImapRefused when the server answers NO, else the connection is over. Neither
the password nor mail is ever logged or in a text.
"""

from __future__ import annotations

import base64
import binascii
import functools
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.errors import ImapSyntaxError, WireError
from app.net.dial import DialFailed, connect
from app.net.imapdialogue import COMMAND_S, ImapDialogue, NewSink, Response, Sink, within
from app.net.imaplink import ImapFailed, ImapLink, ImapRefused, ImapTlsFailed
from app.net.tls import TlsInfo, tls_info
from app.wire.imap.reading import (
    Fetched,
    Listed,
    Namespaces,
    Untagged,
    capabilities,
    parse_fetched,
    parse_listed,
    parse_namespaces,
    parse_status,
    parse_untagged,
)
from app.wire.imap.sequence import compact
from app.wire.imap.tokens import MAX_NUMBER
from app.wire.sasl.clients import ClientExchange, Login, begin, choose
from app.wire.smtp.address import IPAddress

GREETING_S: Final = 60.0
SLOWEST_BYTES_IN_S: Final = 4096  # what a message may come at
MAX_FOLDERS: Final = 20_000
MAX_MESSAGES: Final = 5_000_000  # of one mailbox
MAX_AUTH_ROUNDS: Final = 10

_ITEMS: Final = b"(UID FLAGS INTERNALDATE BODY.PEEK[])"


class Security(Enum):
    """How the connection is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server is and how it is talked to."""

    host: str
    port: int
    security: Security = Security.TLS
    is_verified: bool = True  # the certificate has to prove the host


@dataclass(frozen=True, slots=True)
class Folders:
    """What LIST and NAMESPACE say."""

    listed: tuple[Listed, ...]
    namespaces: Namespaces


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox that was examined."""

    uidvalidity: int
    count: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was fetched, as it was written to its sink; None when it is too large."""

    said: Fetched
    sink: Sink | None


@functools.cache
def _context(*, is_verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class ImapClient:
    """A connection to a server, and what it can do."""

    def __init__(self, link: ImapLink, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.capabilities: frozenset[str] = frozenset()
        self._link = link
        self._talk = ImapDialogue(link)
        self._is_signed_in = False

    @classmethod
    async def open(cls, endpoint: Endpoint, ip: IPAddress, trust: ssl.SSLContext | None = None) -> ImapClient:
        """Connect, with TLS as the endpoint says; `trust` instead of the authorities of this machine."""
        try:
            link = await connect(ImapLink, ip, endpoint.port)
        except DialFailed as error:
            raise ImapFailed(str(error), may_pass=True) from None
        client = cls(link, endpoint)
        context = trust or _context(is_verified=endpoint.is_verified)
        try:
            if endpoint.security is Security.TLS:
                await link.start_tls(context, endpoint.host)
            async with within(GREETING_S):
                await client._greeting()
            if endpoint.security is Security.STARTTLS:
                await client._start_tls(context)
        except BaseException:
            link.abort()
            raise
        return client

    def close(self) -> None:
        """End the connection; nothing is under way that a LOGOUT would have to save."""
        self._link.abort()

    async def sign_in(self, login: Login) -> None:
        """AUTHENTICATE by the best mechanism, or LOGIN; raises ImapRefused."""
        if self._is_signed_in:
            return
        offered = [word.removeprefix("AUTH=") for word in self.capabilities if word.startswith("AUTH=")]
        mechanism = choose(offered, self._bindings)
        if mechanism is not None:
            exchange = begin(mechanism, login, self._bindings, offered)
            await self._authenticate(mechanism.value, exchange)
        elif "LOGINDISABLED" in self.capabilities:
            raise ImapRefused("the server takes no passwords this way", code="LOGINDISABLED")
        else:
            await self._talk.run(b"LOGIN", login.user.encode(), login.password.encode())
        self._is_signed_in = True
        await self._ask_capabilities()

    async def folders(self) -> Folders:
        """All mailboxes, with what they are for where the server knows."""
        namespaces = Namespaces()
        listed: list[Listed] = []

        def take(response: bytes, head: Untagged) -> None:
            nonlocal namespaces
            if head.word == "NAMESPACE":
                namespaces = parse_namespaces(response, head.rest)
            elif head.word == "LIST":
                if len(listed) >= MAX_FOLDERS:
                    raise ImapFailed(f"the server lists more than {MAX_FOLDERS} mailboxes")
                listed.append(parse_listed(response, head.rest))

        if "NAMESPACE" in self.capabilities:
            await self._talk.run(b"NAMESPACE", take=take)
        marks = {"SPECIAL-USE", "LIST-EXTENDED"} <= self.capabilities or "IMAP4REV2" in self.capabilities
        await self._talk.run(b'LIST "" "*" RETURN (SPECIAL-USE)' if marks else b'LIST "" "*"', take=take)
        return Folders(tuple(listed), namespaces)

    async def examine(self, raw: bytes) -> Opened:
        """Open a mailbox for reading."""
        found = {"UIDVALIDITY": 0, "EXISTS": 0}

        def take(response: bytes, head: Untagged) -> None:
            status = parse_status(response, 2)
            if head.word == "EXISTS":
                found["EXISTS"] = head.number
            elif status is not None and status.code == "UIDVALIDITY" and status.argument[:11].isdigit():
                found["UIDVALIDITY"] = int(status.argument[:11])

        await self._talk.run(b"EXAMINE", raw, take=take)
        return Opened(found["UIDVALIDITY"], found["EXISTS"])

    async def sizes(self, first_uid: int, others: Sequence[int], take: Callable[[Fetched], None]) -> None:
        """Tell the uid and size of each message from `first_uid` on and of some `others`; Gmail's number of it too."""
        count = 0

        def take_one(response: bytes, head: Untagged) -> None:
            nonlocal count
            if head.word != "FETCH":
                return
            count += 1
            if count > MAX_MESSAGES:
                raise ImapFailed(f"the mailbox has more than {MAX_MESSAGES} messages")
            said = parse_fetched(response, head.rest)
            # `n:*` names the last message whatever its uid (RFC 9051 §9, seq-range)
            if first_uid <= said.uid <= MAX_NUMBER or said.uid in others:
                take(said)

        items = b"(UID RFC822.SIZE X-GM-MSGID)" if self.is_gmail else b"(UID RFC822.SIZE)"
        uids = b"".join(b"%d," % uid for uid in others) + b"%d:*" % first_uid
        await self._talk.run(b"UID FETCH %b %b" % (uids, items), take=take_one, seconds=COMMAND_S * 4)

    async def fetch(self, uids: Sequence[int], size: int, new_sink: NewSink) -> list[Message]:
        """These messages, of about `size` bytes in all, as far as they are still there; sinks are the caller's."""
        found: dict[int, Message] = {}
        self._talk.new_sink = new_sink
        try:
            async with within(COMMAND_S + size / SLOWEST_BYTES_IN_S):
                tag = await self._talk.send(b"UID FETCH %b %b" % (compact(uids).encode(), _ITEMS))
                while not self._talk.is_end(tag, (response := await self._talk.response()).data):
                    message = _message(response, new_sink)
                    if message is None:
                        continue
                    if message.said.uid in uids and message.said.uid not in found:
                        found[message.said.uid] = message
                    elif message.sink is not None:
                        message.sink.discard()
        except BaseException:
            for message in found.values():
                if message.sink is not None:
                    message.sink.discard()
            raise
        finally:
            self._talk.new_sink = None
        return list(found.values())

    @property
    def is_gmail(self) -> bool:
        """Whether mailboxes are labels of messages, as at Gmail, which has a number for each message."""
        return "X-GM-EXT-1" in self.capabilities

    @property
    def _bindings(self) -> TlsInfo | None:
        found = self._link.ssl_object
        return tls_info(found) if found is not None else None

    async def _greeting(self) -> None:
        line = (await self._talk.response()).data
        status = parse_status(line, 2) if line.startswith(b"* ") else None
        if status is None:
            raise ImapFailed("what answers there is not an IMAP server")
        if status.word not in ("OK", "PREAUTH"):
            raise ImapRefused("the server refuses the connection", code=status.code, words=status.text)
        self._is_signed_in = status.word == "PREAUTH"
        if status.code == "CAPABILITY":
            self.capabilities = capabilities(status.argument.split())
        else:
            await self._ask_capabilities()

    async def _ask_capabilities(self) -> None:
        def take(response: bytes, head: Untagged) -> None:
            if head.word == "CAPABILITY":
                self.capabilities = capabilities(response[head.rest :].split())

        await self._talk.run(b"CAPABILITY", take=take)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        if self._is_signed_in or "STARTTLS" not in self.capabilities:
            raise ImapTlsFailed("the server offers no encryption on this port")
        try:
            await self._talk.run(b"STARTTLS")
        except ImapRefused as error:
            raise ImapTlsFailed(f"the server refuses encryption: {error.words}") from None
        await self._link.start_tls(context, self.endpoint.host)
        await self._ask_capabilities()  # what was said before does not count (RFC 9051 §6.2.1)

    async def _authenticate(self, name: str, exchange: ClientExchange) -> None:
        first = exchange.initial()
        has_initial = first is not None and "SASL-IR" in self.capabilities
        word = b" " + (base64.b64encode(first or b"") or b"=") if has_initial else b""
        tag = await self._talk.send(b"AUTHENTICATE " + name.encode() + word)
        waiting = None if has_initial else first
        async with within(COMMAND_S):
            for _ in range(MAX_AUTH_ROUNDS):
                line = await self._talk.continuation(tag)
                if line is None:
                    break
                try:
                    answer = waiting if waiting is not None else exchange.answer(base64.b64decode(line, validate=True))
                except (binascii.Error, WireError) as error:
                    raise ImapFailed(f"cannot sign in: {error}") from None
                waiting = None
                await self._link.write(base64.b64encode(answer) + b"\r\n")
            else:
                raise ImapFailed("cannot sign in: the server asks without end")
        try:
            exchange.finish()
        except WireError as error:
            raise ImapFailed(f"cannot sign in: {error}") from None


def _message(response: Response, new_sink: NewSink) -> Message | None:
    """The message of a FETCH response; None when it has none."""
    head = parse_untagged(response.data)
    try:
        said = parse_fetched(response.data, head.rest) if head is not None and head.word == "FETCH" else None
    except ImapSyntaxError as error:
        if response.sink is not None:
            response.sink.discard()
        raise ImapFailed(f"the server breaks the protocol: {error.message}") from None
    if said is None or said.body is None:
        return None
    if response.has_message:
        return Message(said, response.sink)
    sink = new_sink()
    sink.write(said.body)
    return Message(said, sink)
