"""An IMAP server that says what a test has written down, good or bad, to a client of ours."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"
_SYNCHRONISING = re.compile(rb"\{([0-9]+)\}\r\n$")


@dataclass(slots=True)
class Script:
    """Answers by the beginning of a command, without tag; `{tag}` in them is replaced. Others get OK."""

    answers: Mapping[bytes, bytes]
    greeting: bytes = GREETING
    heard: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None  # after STARTTLS
    holds_after: bytes = b""  # a command that is never answered

    def answer(self, command: bytes) -> bytes:
        """The answer to a command that begins with its tag."""
        tag, _, rest = command.partition(b" ")
        for beginning, answer in self.answers.items():
            if rest.upper().startswith(beginning):
                return answer.replace(b"{tag}", tag)
        return tag + b" OK done\r\n"


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[int]:
    """The port of a server that follows the script."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(script.greeting)
            while command := await _command(reader, writer):
                script.heard.append(command.partition(b" ")[2].rstrip())
                if script.holds_after and script.holds_after in command:
                    await reader.read()
                    return
                writer.write(script.answer(command))
                if script.tls is not None and b" STARTTLS" in command:
                    await writer.start_tls(script.tls)
                if b"{close}" in script.answer(command):
                    return
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A command with its literals, which are asked for."""
    data = await reader.readline()
    while found := _SYNCHRONISING.search(data):
        writer.write(b"+ go on\r\n")
        data += await reader.readexactly(int(found[1])) + await reader.readline()
    return data
