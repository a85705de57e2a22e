"""The bytes of a connection to an IMAP server: lines and literals, each within bounds, with back-pressure.

Reading stops while nobody takes what was read, so memory does not depend on what the server sends. After a failure
every call raises ImapFailed; `abort` may always be called again.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from app.errors import MailError
from app.net.certificatefault import certificate_fault

MAX_LINE = 64 * 1024
ENOUGH_BYTES = 512 * 1024  # that are kept while nobody reads
TLS_S = 60.0


class ImapFailed(MailError):
    """The conversation cannot go on; `may_pass` when the same may work a little later."""

    def __init__(self, text: str, *, may_pass: bool = False) -> None:
        super().__init__(text)
        self.may_pass = may_pass


class ImapTlsFailed(ImapFailed):
    """No encrypted connection came about, or the server could not prove who it is."""


class ImapRefused(ImapFailed):
    """The server answers NO or BAD; `code` is its response code, `words` what it says."""

    def __init__(self, text: str, *, code: str = "", words: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.words = words


class ImapLink(asyncio.Protocol):
    """One connection; `asyncio.timeout` around the calls is the caller's business."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._searched = 0  # bytes at the front that hold no line end
        self._failure: ImapFailed | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > ENOUGH_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was lost: {exc}" if exc else "the server closed the connection")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    @property
    def has_more(self) -> bool:
        """Whether the server has sent what nobody has read."""
        return bool(self._buffer)

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """What TLS led to; None without."""
        found = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return cast("ssl.SSLObject | None", found)

    async def read_line(self) -> bytes:
        """A line without its end."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            if len(self._buffer) > MAX_LINE:
                raise self._fail("the server sends a line without end", may_pass=False)
            self._searched = len(self._buffer)
            await self._more()
        if end > MAX_LINE:
            raise self._fail("the server sends a line that is too long", may_pass=False)
        line = bytes(self._buffer[:end])
        self._drop(end + 1)
        return line.removesuffix(b"\r")

    async def read(self, most: int) -> bytes:
        """Some bytes, at least one."""
        while not self._buffer:
            await self._more()
        data = bytes(memoryview(self._buffer)[:most])
        self._drop(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send; waits for a server that does not read."""
        if self._failure is not None:
            raise self._failure
        assert self._transport is not None
        self._transport.write(data)
        await self._writable.wait()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """TLS from here on; raises ImapTlsFailed."""
        if self._failure is not None:
            raise self._failure
        if self._buffer:  # what was sent in the clear must not count as said under TLS (RFC 9051 §11.1)
            raise ImapTlsFailed("the server said more before encryption began, as somebody in between might")
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        try:
            made = await loop.start_tls(
                self._transport, self, context, server_hostname=host, ssl_handshake_timeout=TLS_S
            )
        except ssl.SSLCertVerificationError as error:
            self.abort()
            raise ImapTlsFailed(certificate_fault(error).words) from None
        except (OSError, ValueError, TimeoutError) as error:  # ssl.SSLError is an OSError
            self.abort()
            raise ImapTlsFailed(f"no encryption came about: {error}") from None
        if made is None:
            raise ImapTlsFailed("the connection was lost when encryption began")
        self._transport = made

    def abort(self) -> None:
        """End it at once."""
        self._fail("the connection was ended here")
        if self._transport is not None:
            self._transport.abort()

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0
        if self._is_paused and len(self._buffer) < ENOUGH_BYTES // 2 and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    async def _more(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _fail(self, text: str, *, may_pass: bool = True) -> ImapFailed:
        self._failure = self._failure or ImapFailed(text, may_pass=may_pass)
        self._writable.set()
        self._wake()
        return self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
