"""A layer of raw DEFLATE between a connection and its transport (RFC 1951), as COMPRESS asks for it (RFC 4978).

    connection.transport = deflate.insert(connection, connection.transport)      # after the last plain byte was written

What the connection writes at once becomes one piece that ends on a byte, so that the peer can read all of it. What
comes in is inflated only as far as the connection takes it: in pieces of `PIECE_BYTES`, at most `TURN_BYTES` in one
turn of the event loop, and none while reading is paused; what is not inflated yet holds up the socket. So a bomb meets
the same limits as if it had been sent plain. A stream that is damaged or ends ends the connection. The compressor is
let go of when nothing was written for `REST_S`: the next one begins with an empty window, which a peer does not notice.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, Final

from app.log import logger

PIECE_BYTES: Final = 32 << 10  # inflated at once, and deflated bytes looked at once
TURN_BYTES: Final = 256 << 10  # as much as asyncio reads at once
REST_S: Final = 5.0

# 1: 120 MB/s of text to 33 %; 6 would be 34 MB/s to 27 %, and keep others waiting for it.
LEVEL: Final = 1

_LOG = logger("connection")


def insert(protocol: asyncio.Protocol, transport: asyncio.Transport) -> asyncio.Transport:
    """Put the layer between the two; returns the transport that the protocol writes to from now on."""
    layer = DeflateLayer(protocol, transport)
    transport.set_protocol(layer)
    return layer


class DeflateLayer(asyncio.Transport, asyncio.Protocol):
    """A transport for what is above, a protocol for what is below."""

    __slots__ = (
        "_above",
        "_below",
        "_deflater",
        "_eof",
        "_held",
        "_inflater",
        "_is_below_paused",
        "_is_full",
        "_is_paused",
        "_rest",
        "_turn",
    )

    def __init__(self, above: asyncio.Protocol, below: asyncio.Transport) -> None:
        self._above = above
        self._below = below
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._deflater: Any = None  # zlib has no public name for its type
        self._rest: asyncio.TimerHandle | None = None
        self._held = b""  # came, and is not inflated yet
        self._turn: asyncio.Handle | None = None  # what goes on with that
        self._is_full = False  # the last piece was as long as it may be: zlib may hold more
        self._is_paused = self._is_below_paused = self._eof = False

    # The transport that the connection sees.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send, so that the peer can inflate all of it."""
        if self._deflater is None:
            self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        loop = asyncio.get_running_loop()
        if self._rest is None:
            self._rest = loop.call_later(REST_S, self._let_go)
        elif self._rest.when() < loop.time() + REST_S / 2:
            self._rest.cancel()
            self._rest = loop.call_later(REST_S, self._let_go)
        self._below.write(self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH))

    def pause_reading(self) -> None:
        """Inflate no more."""
        self._is_paused = True
        self._pace(pause=True)

    def resume_reading(self) -> None:
        """Go on, first with what is there."""
        self._is_paused = False
        if self._has_more:
            self._go_on_soon()
        else:
            self._pace(pause=False)

    def close(self) -> None:
        """Close once all is sent."""
        self._forget()
        self._below.close()

    def abort(self) -> None:
        """Close now."""
        self._forget()
        self._below.abort()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # as asyncio has it
        """What the transport below knows."""
        return self._below.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Of bytes as they are sent."""
        self._below.set_write_buffer_limits(high=high, low=low)

    # The protocol that the transport below sees.

    def data_received(self, data: bytes) -> None:
        """Inflate, as far as it is taken."""
        if self._inflater.eof:
            return
        self._held = self._held + data if self._held else data
        if self._turn is None and not self._is_paused:
            self._inflate()

    def eof_received(self) -> bool | None:
        """Tell it when all that came before has been taken."""
        if self._has_more:
            self._eof = True
            return self._below.get_extra_info("ssl_object") is None
        return self._above.eof_received()

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self._above.pause_writing()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._above.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._forget()
        self._above.connection_lost(exc)

    # Inflating.

    @property
    def _has_more(self) -> bool:
        return bool(self._held) or self._is_full or self._turn is not None

    def _inflate(self) -> None:
        """One turn: hand on until nothing is left, nothing more is wanted, or others should have theirs."""
        self._turn = None
        taken = 0
        while not self._is_paused and not self._below.is_closing():
            piece = self._next_piece()
            if piece:
                self._above.data_received(piece)
                taken += len(piece)
            if not self._held and not self._is_full:
                return self._end_turn()
            if taken >= TURN_BYTES:
                return self._go_on_soon()

    def _next_piece(self) -> bytes:
        """Up to so many inflated bytes; only a short stretch is looked at, as zlib copies what it leaves."""
        stretch, rest = self._held[:PIECE_BYTES], self._held[PIECE_BYTES:]
        try:
            piece = self._inflater.decompress(stretch, PIECE_BYTES)
        except zlib.error as error:
            _LOG.debug("deflated stream is damaged", error=error)
            self.abort()
            return b""
        self._is_full = len(piece) == PIECE_BYTES
        self._held = self._inflater.unconsumed_tail + rest
        if self._inflater.eof:  # nothing can follow the last block
            self._held, self._is_full, self._eof = b"", False, True
        return piece

    def _end_turn(self) -> None:
        """All that came is inflated."""
        if self._eof:
            self._eof = False
            self._above.eof_received()
        else:
            self._pace(pause=False)

    def _go_on_soon(self) -> None:
        if self._turn is None:
            self._pace(pause=True)
            self._turn = asyncio.get_running_loop().call_soon(self._inflate)

    def _pace(self, *, pause: bool) -> None:
        """Read from the socket, or do not."""
        if pause == self._is_below_paused or self._below.is_closing():
            return
        self._is_below_paused = pause
        if pause:
            self._below.pause_reading()
        else:
            self._below.resume_reading()

    def _let_go(self) -> None:
        self._deflater = self._rest = None

    def _forget(self) -> None:
        """Nothing more is inflated, and no timer is left."""
        self._held, self._is_full = b"", False
        for handle in (self._turn, self._rest):
            if handle is not None:
                handle.cancel()
        self._turn = self._rest = None
