"""An IMAP connection without a socket: bytes go straight into the server's protocol, and its answers come back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from app.imapserver.connection import ImapConnection
from tests.imapserver.world import PASSWORD, World

_LITERAL = re.compile(rb"\{(\d+)\}$")
_TAGGED = re.compile(rb"(\S+) (OK|NO|BAD) (?:\[([^]]*)\] )?.*")


@dataclass(frozen=True, slots=True)
class Reply:
    """The untagged lines, and the end of the answer: its status and code."""

    lines: list[bytes]
    status: str
    code: str


class Wire(asyncio.Transport):
    """The server's transport, which keeps what is written for the client."""

    def __init__(self, world: World) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 143)})
        self.received = bytearray()
        self.is_closed = False
        self._something_new = asyncio.Event()
        self._tags = 0
        self._protocol = ImapConnection(world._service())
        self._protocol.connection_made(self)

    async def sign_in(self) -> None:
        """Wait for the greeting and sign in as jane."""
        await self.until(b"* OK")
        self.take()
        reply = await self.command(f'LOGIN jane@example.com "{PASSWORD}"')
        assert reply.status == "OK", reply

    async def command(self, text: str, literal: bytes | None = None) -> Reply:
        """Send a command and wait for its end, or for the end of the connection."""
        tag = self.send(text, literal)
        return await self.reply(tag)

    def send(self, text: str, literal: bytes | None = None) -> bytes:
        """Send a command; returns its tag."""
        self._tags += 1
        tag = b"t%d" % self._tags
        line = tag + b" " + text.encode() + b"\r\n"
        self._protocol.data_received(line if literal is None else line + literal + b"\r\n")
        return tag

    def send_line(self, line: bytes) -> None:
        """Send a line that is no command."""
        self._protocol.data_received(line)

    async def reply(self, tag: bytes) -> Reply:
        """The answer to the command with that tag; BYE instead of a status when the connection ended."""
        await self.until(tag + b" ")
        lines = self.take()
        if not lines or not lines[-1].startswith(tag):
            return Reply(lines, "BYE", "")
        end = _TAGGED.fullmatch(lines[-1])
        assert end is not None, lines[-1]
        return Reply(lines[:-1], end[2].decode(), (end[3] or b"").decode())

    async def until(self, start: bytes) -> None:
        """Wait for a whole line that starts so, or for the end."""
        while not self.is_closed:
            place = 0 if self.received.startswith(start) else self.received.find(b"\r\n" + start) + 1
            if (place or self.received.startswith(start)) and self.received.endswith(b"\r\n"):
                return
            self._something_new.clear()
            await asyncio.wait_for(self._something_new.wait(), 60)

    def take(self) -> list[bytes]:
        """The lines that came, without what is in literals."""
        lines, rest, data, place = [], b"", bytes(self.received), 0
        self.received.clear()
        while place < len(data):
            end = data.index(b"\r\n", place)
            line, place = data[place:end], end + 2
            if found := _LITERAL.search(line):
                rest += line[: found.start()]
                place += int(found[1])
            else:
                lines.append(rest + line)
                rest = b""
        return lines

    # What the server does with its transport.

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.received += data
        self._something_new.set()

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._something_new.set()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass
