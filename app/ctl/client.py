"""The command line's side of the control socket; plain blocking sockets, no asyncio.

    with connect(data_dir) as client:
        rows = client.call("queuelist", {"limit": 10})

`connect` raises NotRunning with words that say what to do when there is no server. What the server declines raises
ControlError with its words.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from app.ctl import protocol
from app.ctl.address import short_name
from app.ctl.protocol import ControlError, Json


class NotRunning(ControlError):
    """There is no server to talk to."""


class NobodyAnswers(NotRunning):
    """Nothing is at the other end: no server runs, or it is not ready yet."""


def _discard(data: bytes) -> None:
    """Take output that nobody wants."""


class ControlClient:
    """A connection to a running server."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")
        protocol.check_greeting(self._line(protocol.MAX_LINE_BYTES))

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self._sock.close()

    def call(
        self,
        name: str,
        arguments: Mapping[str, Json] | None = None,
        source: Iterable[bytes] | None = None,
        output: Callable[[bytes], object] = _discard,
    ) -> Json:
        """The result of an operation; `source` is sent along, `output` gets what comes ahead of the result."""
        line: dict[str, Json] = {"name": name, "arguments": dict(arguments or {}), "has_input": source is not None}
        self._send(protocol.write_line(line))
        if source is not None:
            for piece in source:
                self._send_piece(piece)
            self._send(protocol.write_chunk(b""))
        while True:
            reply = protocol.parse_line(self._line(protocol.MAX_RESULT_BYTES))
            if "error" in reply:
                raise ControlError(str(reply["error"]))
            if "result" in reply:
                return reply["result"]
            output(self._read(protocol.chunk_size(reply)))

    def relay(self, source: int, target: int) -> None:
        """Join two descriptors to a connection that was given away: until the server ends it, or nobody reads.

        The end of `source` is passed on. A thread that waits for it may be left when this returns. Raises ControlError
        when `target` cannot be written to.
        """
        self._sock.settimeout(None)
        threading.Thread(target=self._pass_up, args=(source,), daemon=True).start()
        while data := self._next_bytes():
            try:
                while data:
                    data = data[os.write(target, data) :]
            except (BrokenPipeError, ConnectionResetError):
                return
            except OSError as error:
                raise ControlError(f"cannot write to file descriptor {target}: {error.strerror}") from None

    def _next_bytes(self) -> bytes:
        """Empty at the end."""
        try:
            return self._file.read1(protocol.CHUNK_BYTES)
        except OSError:
            return b""

    def _pass_up(self, source: int) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(source, protocol.CHUNK_BYTES):
                self._sock.sendall(data)
            self._sock.shutdown(socket.SHUT_WR)

    def wait_for_end(self) -> None:
        """Return when the server is gone."""
        with contextlib.suppress(OSError):
            while self._file.read(4096):
                pass

    def _send_piece(self, data: bytes) -> None:
        for start in range(0, len(data), protocol.CHUNK_BYTES):
            self._send(protocol.write_chunk(data[start : start + protocol.CHUNK_BYTES]))

    def _send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError:
            raise ControlError("the server has gone away") from None

    def _line(self, limit: int) -> bytes:
        try:
            line = self._file.readline(limit)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise ControlError("the server has gone away")
        return line

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise ControlError("the server has gone away")
        return data


def connect(data_dir: Path) -> ControlClient:
    """A connection to the server of a data directory; raises NotRunning."""
    path = protocol.socket_path(data_dir)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            sock.connect(name)
        return ControlClient(sock)
    except PermissionError:
        sock.close()
        raise NotRunning(f"you may not use {path}; run this as root or as the user that mox runs as") from None
    except OSError:
        sock.close()
        raise NobodyAnswers(f"no server answers at {path}; start it with 'serve', then run this again") from None
    except ControlError:
        sock.close()
        raise
