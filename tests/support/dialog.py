"""Runs conversation scripts: what a client says and what a server must answer, one line each, top to bottom.

    # a comment; the first part of the file says what the dialog shows
    connect [NAME] [SERVICE]   open a connection (NAME "main", SERVICE the first) and use it
    use NAME                   go on with another connection
    from IP                    later connections come from this address
    C: EHLO client.example     send the line with CRLF; C: lines in a row leave in one write, as a pipeline
    C| a\\n.\\r\\n               send exactly these bytes, with Python's escapes
    S: 250 2.0.0 ok            the next line is exactly this
    S: /250 2\\.[0-9.]+ .*/     the next line matches this whole pattern; what a named group of it matches stands
                               in later C: lines for {NAME}
    S+ 250 2.1.0               a whole SMTP reply with this code, of any number of lines, whose last begins so
    starttls                   do the TLS handshake
    closed                     the server closes, without another byte

A failure names the script and the line.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is; `implicit_tls` when TLS comes first."""

    host: str
    port: int
    implicit_tls: bool = False


class DialogFailed(AssertionError):
    """The server did not say what the script expects."""


class Dialog:
    """A script that is being run against services."""

    def __init__(self, services: Mapping[str, Service], tls: ssl.SSLContext | None = None) -> None:
        self._services = services
        self._tls = tls
        self._connections: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._current = ""
        self._pipeline: list[bytes] = []
        self._source = ""
        self._kept: dict[str, str] = {}

    def run(self, path: Path) -> Coroutine[Any, Any, None]:
        """Run the script; raises DialogFailed."""
        return self.run_lines(path.name, path.read_text().splitlines())

    async def run_lines(self, name: str, lines: Sequence[str]) -> None:
        """Run a script that is given as lines."""
        try:
            for number, line in enumerate(lines, 1):
                if line.strip() and not line.startswith("#"):
                    await self._step(f"{name}:{number}", line)
            self._flush()
        finally:
            for _, writer in self._connections.values():
                writer.transport.abort()

    async def _step(self, place: str, line: str) -> None:
        if line.startswith(("C:", "C|")):
            for name, value in self._kept.items():
                line = line.replace(f"{{{name}}}", value)
            self._pipeline.append(_bytes_of(line))
            return
        self._flush()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._other_step(line)
        except TimeoutError:
            raise DialogFailed(f"{place}: nothing came; expected {line!r}") from None
        except DialogFailed as failure:
            raise DialogFailed(f"{place}: expected {line!r}, {failure}") from None

    async def _other_step(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "S:":
                await self._expect_line(rest)
            case "S+":
                await self._expect_reply(rest)
            case "connect":
                await self._connect(rest.split())
            case "use":
                self._current = rest.strip()
            case "from":
                self._source = rest.strip()
            case "starttls":
                await self._streams[1].start_tls(self._needed_tls(), server_hostname="localhost")
            case "closed":
                await self._expect_end()
            case _:
                raise ValueError(f"not a step: {line!r}")

    @property
    def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._connections[self._current]

    def _needed_tls(self) -> ssl.SSLContext:
        assert self._tls is not None
        return self._tls

    async def _connect(self, words: list[str]) -> None:
        self._current = words[0] if words else "main"
        service = self._services[words[1] if len(words) > 1 else next(iter(self._services))]
        self._connections[self._current] = await asyncio.open_connection(
            service.host,
            service.port,
            ssl=self._needed_tls() if service.implicit_tls else None,
            server_hostname="localhost" if service.implicit_tls else None,
            local_addr=(self._source, 0) if self._source else None,
        )

    def _flush(self) -> None:
        if self._pipeline:
            self._streams[1].write(b"".join(self._pipeline))
            self._pipeline.clear()

    async def _read_line(self) -> str:
        try:
            line = await self._streams[0].readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise DialogFailed(f"but the connection ended after {getattr(error, 'partial', b'')!r}") from None
        return line[:-2].decode("utf-8", "backslashreplace")

    async def _expect_line(self, wanted: str) -> None:
        line = await self._read_line()
        is_pattern = len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/")
        match = re.fullmatch(wanted[1:-1] if is_pattern else re.escape(wanted), line)
        if match is None:
            raise DialogFailed(f"got {line!r}")
        self._kept |= match.groupdict()

    async def _expect_reply(self, wanted: str) -> None:
        line = await self._read_line()
        while line[3:4] == "-" and line[:3] == wanted[:3]:
            line = await self._read_line()
        if not line.startswith(wanted):
            raise DialogFailed(f"got {line!r}")

    async def _expect_end(self) -> None:
        try:
            rest = await self._streams[0].read(1000)
        except ConnectionError:
            return
        if rest:
            raise DialogFailed(f"got {rest!r}")


def _bytes_of(line: str) -> bytes:
    text = line[2:].removeprefix(" ")
    if line.startswith("C:"):
        return text.encode() + b"\r\n"
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
