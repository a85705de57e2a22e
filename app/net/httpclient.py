"""HTTP/1.1 towards a backend: connections that are kept, one request at a time on each.

`Backends.link` gives a connection, a kept one where the caller may repeat its request; `Link` sends a head and a body
and reads the answer piece by piece, with h11 as the judge of what is right. Reading stops while nobody takes what was
read, and sending waits for the peer, so memory does not depend on sizes. Certificates of https backends are verified.

What goes wrong is BackendFault, or BackendTimeout when it was time; the texts are for the log and not for strangers. A
connection is kept only after an answer that ended as it said, with nothing behind it. A kept connection can end just
as it is used again, which nobody can tell from a request that was lost: only what may be repeated is sent on one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import h11

MAX_HEAD = 64 * 1024
SWITCHING = 101
MAX_INTERIM = 16  # answers 1xx before the real one
READ_SIZE = 64 * 1024
CONNECT_S = 10.0
IDLE_S = 30.0
MAX_IDLE = 16  # connections that are kept for each backend


class BackendFault(Exception):
    """The backend cannot be reached, or what it sends is not HTTP."""


class BackendTimeout(BackendFault):
    """The backend takes too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a backend is."""

    host: str
    port: int
    is_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """What is asked; the headers say whether there is a body."""

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What the backend answers, before the body."""

    status: int
    headers: list[tuple[bytes, bytes]]


class _Reader(asyncio.StreamReader):
    """Counts what came, so that a connection at rest is seen to have said something."""

    def __init__(self) -> None:
        super().__init__(limit=READ_SIZE)
        self.received = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # transports give bytes
        """Bytes of the backend."""
        self.received += len(data)
        super().feed_data(data)


class Link:
    """One connection to a backend."""

    __slots__ = ("_first", "_http", "_reader", "_taken", "_writer", "is_fresh")

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._taken = 0  # bytes that were read
        self._first = b""  # what came behind an answer that switched protocols
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self.is_fresh = True  # nothing was asked on it yet

    async def ask(self, head: RequestHead) -> None:
        """Send the head of a request."""
        await self._send(h11.Request(method=head.method, target=head.target, headers=list(head.headers)))

    async def send_body(self, data: bytes) -> None:
        """Send a part of the body, when the backend has room for it."""
        await self._send(h11.Data(data=data))

    async def end_body(self) -> None:
        """The request is complete."""
        await self._send(h11.EndOfMessage())

    async def answer_head(self) -> AnswerHead:
        """The head of the answer; what comes before it (1xx) is left out, but for 101 when that was asked for."""
        for _ in range(MAX_INTERIM):
            event = await self._next()
            if isinstance(event, h11.Response) or self._http.their_state is h11.SWITCHED_PROTOCOL:
                assert isinstance(event, h11.Response | h11.InformationalResponse)
                self._first = bytes(self._http.trailing_data[0])
                return AnswerHead(event.status_code, list(event.headers))
            if not isinstance(event, h11.InformationalResponse) or event.status_code == SWITCHING:
                raise BackendFault("the backend answers nothing that was asked for")
        raise BackendFault("the backend sends interim answers without end")

    async def answer_body(self) -> bytes:
        """The next part of the body of the answer; empty at its end."""
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return b""
            if not isinstance(event, h11.Data):
                raise BackendFault("the backend ended its answer too early")
            if event.data:
                return bytes(event.data)

    async def read_raw(self) -> bytes:
        """After 101: bytes of the other protocol; empty at the end. Raises OSError."""
        first, self._first = self._first, b""
        return first or await self._reader.read(READ_SIZE)

    async def write_raw(self, data: bytes) -> None:
        """After 101: send bytes, when the backend has room for them. Raises OSError."""
        self._writer.write(data)
        await self._writer.drain()

    def is_reusable(self) -> bool:
        """Whether another request can be sent, now that the answer is there."""
        http = self._http
        is_done = http.our_state is h11.DONE and http.their_state is h11.DONE
        return is_done and http.trailing_data == (b"", False) and self.is_open()

    def is_open(self) -> bool:
        """Whether the backend has not closed it, as far as we know, nor said anything unasked."""
        if self._writer.is_closing() or self._reader.at_eof() or self._reader.exception() is not None:
            return False
        return self._reader.received == self._taken

    def renew(self) -> None:
        """Get ready for another request."""
        self._http.start_next_cycle()
        self.is_fresh = False

    def close(self) -> None:
        """End it at once."""
        self._writer.transport.abort()

    async def _send(self, event: h11.Event) -> None:
        try:
            if data := self._http.send(event):
                self._writer.write(data)
                await self._writer.drain()
        except (OSError, h11.LocalProtocolError) as error:
            raise BackendFault(f"cannot send to the backend: {error}") from None

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self._reader.read(READ_SIZE)
                self._taken += len(data)
                self._http.receive_data(data)
        except OSError as error:
            raise BackendFault(f"the connection to the backend broke: {error}") from None
        except h11.RemoteProtocolError as error:
            raise BackendFault(f"the backend does not keep to HTTP: {error}") from None
        return event  # type: ignore[return-value]  # NEED_DATA ended the loop


class Backends:
    """Connections to backends, those that wait for another request among them."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """`context` verifies https backends; without one, by the authorities that this machine trusts."""
        self._context = context
        self._idle: dict[Origin, list[Link]] = {}

    async def link(self, origin: Origin, *, may_be_kept: bool) -> Link:
        """A connection; `may_be_kept` when the request can be repeated should it be over already."""
        idle = self._idle.get(origin)
        while may_be_kept and idle:
            link = idle.pop()
            if link.is_open():
                return link
            link.close()
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(origin)
        except TimeoutError:
            raise BackendTimeout(f"no connection to {origin.host} port {origin.port}") from None
        except (OSError, UnicodeError) as error:
            raise BackendFault(f"no connection to {origin.host} port {origin.port}: {error}") from None

    async def _connect(self, origin: Origin) -> Link:
        loop = asyncio.get_running_loop()
        reader = _Reader()
        protocol = asyncio.StreamReaderProtocol(reader)
        context = self._tls() if origin.is_tls else None
        transport, _ = await loop.create_connection(lambda: protocol, origin.host, origin.port, ssl=context)
        return Link(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def give_back(self, origin: Origin, link: Link) -> None:
        """The caller has read the answer whole; keep the connection if it can be used again."""
        idle = self._idle.setdefault(origin, [])
        if not link.is_reusable() or len(idle) >= MAX_IDLE:
            link.close()
            return
        link.renew()
        idle.append(link)
        asyncio.get_running_loop().call_later(IDLE_S, self._expire, origin, link)

    def close(self) -> None:
        """Close what waits."""
        for idle in self._idle.values():
            for link in idle:
                link.close()
        self._idle.clear()

    def _expire(self, origin: Origin, link: Link) -> None:
        # One that was used since waits anew and may go early, which costs a connection.
        idle = self._idle.get(origin, [])
        if link in idle:
            idle.remove(link)
            link.close()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context
