"""Makes asyncio's TLS connections share one read buffer: 21 KiB for an idle connection instead of 276 KiB.

asyncio gives each TLS connection a bytearray of 256 KiB, fills it with recv_into and copies it out in the same
callback. So one per thread is enough. The change uses private names of CPython 3.11 to 3.13: `install` first tries it
on one object that is never connected, and falls back to small buffers, then to asyncio as it is. uvloop has its own
TLS and needs nothing.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from asyncio import sslproto
from enum import Enum
from typing import Any, cast

SMALL_BYTES = 16 << 10


class Buffers(Enum):
    """How TLS connections of asyncio get their read buffers."""

    SHARED = "shared"
    SMALL = "small"
    STOCK = "stock"


class _PerThread(threading.local):
    """The buffer of a thread, and so of its event loop."""

    def __init__(self) -> None:
        self.data = bytearray(sslproto.SSLProtocol.max_size)
        self.view = memoryview(self.data)


_STOCK = sslproto.SSLProtocol
_BUFFERS = _PerThread()


class SharedBufferProtocol(_STOCK):
    """asyncio's SSLProtocol without a buffer of its own."""

    max_size = 0  # what the constructor allocates

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  # passed through
        super().__init__(*arguments, **named)
        vars(self)["max_size"] = _STOCK.max_size  # of this object only
        self._ssl_buffer = _BUFFERS.data
        self._ssl_buffer_view = _BUFFERS.view


def install() -> Buffers:
    """Use the best way that works; call once, before the first TLS connection."""
    module = cast(Any, sslproto)
    if _works():
        module.SSLProtocol = SharedBufferProtocol
        return Buffers.SHARED
    if isinstance(getattr(_STOCK, "max_size", None), int):
        module.SSLProtocol.max_size = SMALL_BYTES
        return Buffers.SMALL
    return Buffers.STOCK


def uninstall() -> None:
    """Back to asyncio as it is, for tests."""
    cast(Any, sslproto).SSLProtocol = _STOCK


def _works() -> bool:
    """Whether a protocol that is not connected takes bytes through the shared buffer and has none of its own."""
    loop = asyncio.new_event_loop()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made: Any = SharedBufferProtocol(loop, asyncio.Protocol(), context, None, False, "self.test")
        buffer = made.get_buffer(-1)
        if buffer is not _BUFFERS.view or made.max_size != _STOCK.max_size:
            return False
        buffer[:5] = b"bytes"
        made.buffer_updated(5)
        return bool(made._incoming.read() == b"bytes" and made.get_buffer(1) is _BUFFERS.view)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False
    finally:
        loop.close()
