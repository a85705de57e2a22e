"""A connection that has switched from HTTP to another protocol (RFC 9110 §7.8): bytes in both directions.

`HttpConnection` offers `switch` to applications as `scope["extensions"]["mox.switch"]`, as ASGI has no way for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl

READ_SIZE = 64 * 1024
_KEY = "mox.switch"

Headers = Sequence[tuple[bytes, bytes]]


class Pipe(Protocol):
    """One end of a connection."""

    async def read(self) -> bytes:
        """What came; empty at the end. Raises OSError."""

    async def write(self, data: bytes) -> None:
        """Send, when there is room. Raises OSError."""

    def close(self) -> None:
        """End it, after what was written."""


class Tunnel:
    """The client's end."""

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, first: bytes) -> None:
        """`first` is what came behind the request."""
        self._transport = transport
        self._flow = flow
        self._reader = asyncio.StreamReader(limit=READ_SIZE)
        self._reader.set_transport(transport)  # stops reading while too much waits
        self.received = len(first)
        self.sent = 0
        if first:
            self._reader.feed_data(first)

    def feed(self, data: bytes) -> None:
        """The connection got bytes."""
        self.received += len(data)
        self._reader.feed_data(data)

    def end(self) -> None:
        """The connection is over, or its peer sends no more."""
        self._reader.feed_eof()
        self._flow.resume_writing()

    async def read(self) -> bytes:
        """What came; empty at the end."""
        return await self._reader.read(READ_SIZE)

    async def write(self, data: bytes) -> None:
        """Send, when there is room."""
        if self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        self.sent += len(data)
        if self._flow.write_paused:
            await self._flow.drain()

    def close(self) -> None:
        """End it, after what was written."""
        self._transport.close()


Switch = Callable[[Headers], Tunnel]


def switch_of(scope: Scope) -> Switch | None:
    """What answers 101 with these fields and hands over the connection; None where that is not possible."""
    found: Switch | None = scope.get("extensions", {}).get(_KEY)
    return found


def offer_switch(scope: Scope, switch: Switch) -> Scope:
    """The scope with it."""
    return {**scope, "extensions": {**scope.get("extensions", {}), _KEY: switch}}


async def splice(one: Pipe, other: Pipe) -> None:
    """Pass bytes on in both directions until one end has no more or breaks; then both are closed."""
    copies = [asyncio.ensure_future(_copy(one, other)), asyncio.ensure_future(_copy(other, one))]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        one.close()
        other.close()
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(source: Pipe, target: Pipe) -> None:
    try:
        while data := await source.read():
            await target.write(data)
    except OSError:
        pass  # one end is gone, so both end
