"""A transport that sends what is written in one turn of the event loop together.

uvicorn writes the head of an answer and its body one after the other, which would be two system calls, and with TLS two
records, for each small answer: a tenth of its cost.
"""

from __future__ import annotations

import asyncio
from typing import Any

FULL = 64 * 1024  # bytes that are sent at once


class Corked(asyncio.Transport):
    """In front of a transport, whose protocol hears from it directly."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send soon."""
        if not data:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(bytes(data))
        self._size += len(data)
        if self._size >= FULL:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
            self._waiting, self._size = [], 0
            if not self._transport.is_closing():
                self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer's machine has not taken yet."""
        return self._size + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Send what waits, then end."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """End at once."""
        self._waiting, self._size = [], 0
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is about to end."""
        return self._transport.is_closing()

    def is_reading(self) -> bool:
        """Whether the protocol gets data."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """No data for the protocol for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Data for the protocol again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as asyncio has it
        """What is known of the connection."""
        return self._transport.get_extra_info(name, default)
