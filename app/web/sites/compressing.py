"""Answers made smaller on their way, with gzip: those of forwards and of our own pages where a handler has Compress.

Only whole answers (200) whose type says that they get smaller, that are not in a coding already, and that nobody
forbade to change (no-transform, RFC 9111 §5.2.2.6). Each answer that could have been says so in Vary. What arrives in
small pieces, such as events, leaves in small pieces; a strong entity tag becomes a weak one (RFC 9110 §8.8.1).
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

from app.web.exchange import Exchange, exchange_of
from app.web.sites import encoding
from app.web.sites.conditions import asked_fields

LEVEL: Final = 1
_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib writes the frame of gzip (RFC 1952)
_FLOWS: Final = 16 << 10  # bytes; a piece that is smaller is flushed, as the next may be long in coming
_IN_LOOP: Final = 64 << 10


def compressing(scope: Scope, send: Send) -> Send:
    """`send` for whoever answers this request."""
    accepted = asked_fields(scope["headers"]).get("accept-encoding", "")
    return _Compressing(accepted, scope["method"], exchange_of(scope), send).send


class _Compressing:
    __slots__ = ("_accepted", "_deflater", "_exchange", "_method", "_send")

    def __init__(self, accepted: str, method: str, exchange: Exchange, send: Send) -> None:
        self._accepted = accepted
        self._method = method
        self._exchange = exchange
        self._send = send
        self._deflater: Any = None  # zlib has no public name for its type

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": self._begin(message["status"], message["headers"])}
        elif self._deflater is not None and message["type"] == "http.response.body":
            more = message.get("more_body", False)
            data = await self._smaller(message.get("body", b""), more)
            if more and not data:
                return
            message = {**message, "body": data}
        await self._send(message)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Decide; the fields as they are sent."""
        if status != 200 or not _may_change(Headers(raw=headers)):
            return headers
        kept = [*(pair for pair in headers if pair[0] != b"vary"), (b"vary", _vary(Headers(raw=headers)))]
        if self._method == "HEAD" or encoding.choose(self._accepted, ["gzip"]) == encoding.IDENTITY:
            return kept
        self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        changed = [(name, _weak(value) if name == b"etag" else value) for name, value in kept]
        gone = (b"content-length", b"accept-ranges")
        return [*(pair for pair in changed if pair[0] not in gone), (b"content-encoding", b"gzip")]

    async def _smaller(self, data: bytes, more: bool) -> bytes:
        self._exchange.uncompressed += len(data)
        if len(data) > _IN_LOOP:
            return await asyncio.to_thread(self._deflate, data, more)
        return self._deflate(data, more)

    def _deflate(self, data: bytes, more: bool) -> bytes:
        smaller: bytes = self._deflater.compress(data)
        if not more:
            return smaller + bytes(self._deflater.flush())
        if 0 < len(data) < _FLOWS:
            smaller += self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return smaller


def _may_change(headers: Headers) -> bool:
    size = headers.get("content-length", "")
    is_small = size.isdigit() and len(size) < 10 and int(size) < encoding.MIN_SIZE
    return (
        not is_small
        and "content-encoding" not in headers
        and "content-range" not in headers
        and "no-transform" not in headers.get("cache-control", "").lower()
        and encoding.is_compressible(headers.get("content-type", ""))
    )


def _vary(headers: Headers) -> bytes:
    fields = ", ".join(headers.getlist("vary"))
    if fields == "*" or "accept-encoding" in fields.lower():
        return fields.encode("latin-1")
    return (f"{fields}, " if fields else "").encode("latin-1") + b"Accept-Encoding"


def _weak(etag: bytes) -> bytes:
    return etag if etag.startswith(b"W/") else b"W/" + etag
