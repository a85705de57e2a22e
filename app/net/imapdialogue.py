"""Commands to an IMAP server and its responses: tags, literals both ways, deadlines.

A response is read whole, with its literals, within bounds; only the message that comes as a literal of FETCH goes
elsewhere as it comes: to the sink that `expect_messages` names. A command that the server refuses raises ImapRefused;
all else that goes wrong raises ImapFailed, and the conversation is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.errors import ImapSyntaxError
from app.net.imaplink import ImapFailed, ImapLink, ImapRefused
from app.wire.imap.reading import Status, Untagged, parse_status, parse_untagged
from app.wire.imap.tokens import write_string

COMMAND_S: Final = 300.0  # servers sort large mailboxes before the first word
LARGEST_MESSAGE: Final = 256 * 1024 * 1024
MAX_RESPONSE: Final = 256 * 1024  # besides the message in it
MAX_LITERALS: Final = 100
MAX_SKIPPED: Final = 1 << 34  # bytes of a literal that is too large, which are read and thrown away
PIECE: Final = 64 * 1024

_LITERAL = re.compile(rb"(?:(BODY\[\]) ?)?~?\{([0-9]{1,19})\+?\}$", re.IGNORECASE)


class Sink(Protocol):
    """Where the bytes of a message go; `app.store.spool.Spool` is one."""

    def write(self, data: bytes, /) -> None:
        """Append bytes."""

    def discard(self) -> None:
        """Forget everything."""


@dataclass(slots=True)
class Response:
    """A response whole; a message that came as a literal is apart, and its sink None when it was too large."""

    data: bytes
    has_message: bool = False
    sink: Sink | None = None


Taker = Callable[[bytes, Untagged], None]
NewSink = Callable[[], Sink]


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` that fails in our words."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ImapFailed(f"the server did not answer within {seconds:.0f} seconds", may_pass=True) from None


class ImapDialogue:
    """Commands one after the other on a link."""

    def __init__(self, link: ImapLink) -> None:
        self.link = link
        self.new_sink: NewSink | None = None  # for messages that come now
        self._count = 0

    async def run(self, command: bytes, *strings: bytes, take: Taker | None = None, seconds: float = COMMAND_S) -> None:
        """A command with strings as its arguments; `take` gets the untagged responses."""
        async with within(seconds):
            tag = await self._send_strings(command, strings)
            while True:
                response = await self.response()
                if self.is_end(tag, response.data):
                    return
                if take is not None:
                    _hand_over(response.data, take)

    async def send(self, command: bytes) -> bytes:
        """Send a command; returns its tag."""
        tag = self._next_tag()
        await self.link.write(b"%b %b\r\n" % (tag, command))
        return tag

    async def continuation(self, tag: bytes) -> bytes | None:
        """What follows `+`; None when the command is done. Other responses are passed over."""
        while True:
            response = (await self.response()).data
            if response.startswith(b"+"):
                return response[1:].strip()
            if self.is_end(tag, response):
                return None

    def is_end(self, tag: bytes, response: bytes) -> bool:
        """Whether this ends the command; raises ImapRefused when it was refused, ImapFailed when the server leaves."""
        if response[:5].upper() == b"* BYE":
            status = parse_status(response, 2)
            raise ImapFailed(f"the server ends the connection: {status.text if status else ''}", may_pass=True)
        if not response.startswith(tag + b" "):
            return False
        status = parse_status(response, len(tag) + 1) or Status("BAD", "", b"", "")
        if not status.is_ok:
            raise ImapRefused(f"the server says: {status.text}", code=status.code, words=status.text)
        return True

    async def response(self) -> Response:
        """The next response with its literals; the message in it is apart."""
        line = await self.link.read_line()
        found = _LITERAL.search(line)
        if found is None:
            return Response(line)
        whole = Response(b"")
        try:
            await self._read_literals(line, found, whole)
        except BaseException:
            if whole.sink is not None:
                whole.sink.discard()
            raise
        return whole

    async def _read_literals(self, line: bytes, found: re.Match[bytes], whole: Response) -> None:
        pieces: list[bytes] = []
        size = 0
        for _ in range(MAX_LITERALS):
            length = int(found[2])
            if found[1] and self.new_sink is not None and not whole.has_message:
                whole.sink, whole.has_message = await self._read_message(length, self.new_sink()), True
                pieces += (line[: found.start()], b'BODY[] ""')
            else:
                size += length
                if size > MAX_RESPONSE:
                    break
                pieces += (line, b"\r\n", await self._read_exactly(length))
            line = await self.link.read_line()
            size += len(line)
            next_one = _LITERAL.search(line)
            if next_one is None:
                whole.data = b"".join((*pieces, line))
                return
            found = next_one
        raise ImapFailed("the server sends more than was asked for")

    def _next_tag(self) -> bytes:
        self._count += 1
        return b"m%d" % self._count

    async def _send_strings(self, command: bytes, strings: Sequence[bytes]) -> bytes:
        tag = self._next_tag()
        pending = tag + b" " + command
        for string in strings:
            written = write_string(string)
            if not written.startswith(b"{"):
                pending += b" " + written
                continue
            await self.link.write(b"%b {%d}\r\n" % (pending, len(string)))
            if await self.continuation(tag) is None:
                raise ImapFailed("the server answers before it has heard all")
            pending = string
        await self.link.write(pending + b"\r\n")
        return tag

    async def _read_exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            data += await self.link.read(min(PIECE, length - len(data)))
        return bytes(data)

    async def _read_message(self, length: int, sink: Sink) -> Sink | None:
        """A message into its sink; None when it is larger than any may be."""
        if length > MAX_SKIPPED:
            raise ImapFailed("the server announces a message of an impossible size")
        is_kept = length <= LARGEST_MESSAGE
        left = length
        try:
            while left:
                data = await self.link.read(min(PIECE, left))
                left -= len(data)
                if is_kept:
                    sink.write(data)
        except BaseException:
            sink.discard()
            raise
        return sink if is_kept else None


def _hand_over(response: bytes, take: Taker) -> None:
    head = parse_untagged(response)
    if head is None:
        return
    try:
        take(response, head)
    except ImapSyntaxError as error:
        raise ImapFailed(f"the server breaks the protocol: {error.message}") from None
