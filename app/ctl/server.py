"""The server's side of the control socket: accepts, reads requests, calls operations, writes replies.

One request at a time on each connection; connections do not wait for each other. An operation gets a `Call` and
returns what goes into the result; a MailError that it raises is told to the client, anything else is logged and told
as an error of ours. A connection stays open until the client leaves or the server stops, so that a client sees when
the server is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from app.ctl import protocol
from app.ctl.address import short_name
from app.ctl.protocol import Arguments, ControlError, Json
from app.errors import MailError
from app.log import logger
from app.metrics import PANICS
from app.net.accepted import unread_socket

TakeOver: TypeAlias = Callable[[socket.socket], Awaitable[None]]

_LOG = logger("ctl")


class Call:
    """One request in the hands of an operation."""

    def __init__(
        self, arguments: Arguments, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, has_input: bool
    ) -> None:
        self.arguments = arguments
        self._reader = reader
        self._writer = writer
        self._has_input = has_input
        self.taken_over: TakeOver | None = None

    def hand_over(self, take: TakeOver) -> None:
        """Give the connection away after the result was sent; from then on it does not speak this protocol."""
        self.taken_over = take

    async def input(self) -> AsyncIterator[bytes]:
        """What the client sends along, piece by piece; read on after an error, it is thrown away."""
        while self._has_input:
            size = protocol.chunk_size(protocol.parse_line(await _read_line(self._reader)))
            self._has_input = size > 0
            if size:
                yield await self._reader.readexactly(size)

    async def output(self, data: bytes) -> None:
        """Send output ahead of the result."""
        for start in range(0, len(data), protocol.CHUNK_BYTES):
            self._writer.write(protocol.write_chunk(data[start : start + protocol.CHUNK_BYTES]))
        await self._writer.drain()


Operation: TypeAlias = Callable[[Call], Awaitable[Json]]


class ControlServer:
    """The control socket of a data directory."""

    def __init__(self, data_dir: Path, operations: Mapping[str, Operation]) -> None:
        self.path = protocol.socket_path(data_dir)
        self._operations = operations
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; raises ControlError when another server holds the socket."""
        sock = bind(self.path)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=protocol.MAX_LINE_BYTES)

    async def close(self) -> None:
        """Stop listening, take the socket away, end the connections."""
        if self._server is None:
            return
        self._server.close()
        self.path.unlink(missing_ok=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve_one(self, sock: socket.socket) -> None:
        """Serve one connection that is there already, to its end."""
        await self._serve(*await asyncio.open_unix_connection(sock=sock, limit=protocol.MAX_LINE_BYTES))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            writer.write(protocol.greeting())
            while line := await _read_line(reader):
                reply, take = await self._answer(line, reader, writer)
                if take is not None:
                    return await _give_away(writer, reply, take)
                writer.write(reply)
                await writer.drain()
        except ControlError as error:  # the stream is out of step; nothing after it can be understood
            writer.write(protocol.write_line({"error": str(error)}))
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bytes, TakeOver | None]:
        request = protocol.parse_request(line)
        call = Call(request.arguments, reader, writer, request.has_input)
        reply = await self._perform(request.name, call)
        async for _ in call.input():
            pass
        return protocol.write_line(reply), call.taken_over

    async def _perform(self, name: str, call: Call) -> dict[str, Json]:
        operation = self._operations.get(name)
        if operation is None:
            return {"error": f"the running server does not know {name!r}; it may be older, restart it"}
        try:
            result = await operation(call)
        except MailError as error:
            return {"error": str(error)}
        except (OSError, EOFError):
            raise
        except Exception as error:
            PANICS.labels("ctl").inc()
            _LOG.error("control operation failed", operation=name, error=repr(error))
            return {"error": "this failed in the server, its log says why"}
        _LOG.debug("control operation", operation=name)
        return {"result": result}


async def _give_away(writer: asyncio.StreamWriter, reply: bytes, take: TakeOver) -> None:
    """Send the reply, and give the socket to somebody else before anything more is read from it."""
    transport = cast(asyncio.Transport, writer.transport)
    transport.pause_reading()
    transport.set_write_buffer_limits(0)  # so that drain waits for all
    writer.write(reply)
    await writer.drain()
    sock = unread_socket(transport)
    try:
        await take(sock)
    except BaseException:  # the other side sees the end
        sock.close()
        raise


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """A line, or b"" at the end."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ControlError("a line of the control protocol is cut off") from None
        return b""
    except asyncio.LimitOverrunError:
        raise ControlError("a line of the control protocol is too long") from None


def bind(path: Path) -> socket.socket:
    """A listening socket at `path` that owner and group may use; one that a dead server left is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            _remove_dead(name)
            sock.bind(name)
            os.chmod(name, 0o660)
        sock.listen(16)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ControlError(f"cannot make the control socket {path}: {error.strerror or error}") from None
    except ControlError:
        sock.close()
        raise
    return sock


def _remove_dead(name: str) -> None:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(name)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        os.unlink(name)
        return
    finally:
        probe.close()
    raise ControlError("a server is running on this data directory already; stop it first")
