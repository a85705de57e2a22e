"""A Dovecot of our own, for one client and one mailbox: its IMAP program alone, signed in, in a directory of its own.

`ImapPeer` speaks with it and with our server alike, and reads what either may answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path("/usr/lib/dovecot/imap")
IS_INSTALLED = PROGRAM.exists()
NOBODY = 65534  # Dovecot keeps no mail for root
SETTINGS = """\
base_dir = {folder}/base
ssl = no
mail_location = maildir:{folder}/mail
first_valid_uid = 0
first_valid_gid = 0
mail_uid = {user}
mail_gid = {group}
"""
LINE_BYTES = 1 << 20
_LITERAL_END = re.compile(rb"~?\{(\d+)\}\r\n$")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LITERAL = re.compile(rb"~?\{(\d+)\}\r\n")
_WORD = re.compile(rb"[^\s()\[\]]+(?:\[[^\]]*\](?:<\d+>)?)?")


@dataclass(slots=True)
class ImapPeer:
    """One connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    count: int = 0

    async def ask(self, command: bytes) -> list[bytes]:
        """The untagged responses to a command, then the tagged one without its tag."""
        self.count += 1
        tag = b"p%d " % self.count
        self.writer.write(tag + command + b"\r\n")
        responses: list[bytes] = []
        while True:
            response = await self.response()
            if response.startswith(tag):
                return [*responses, response.removeprefix(tag)]
            responses.append(response)

    async def response(self) -> bytes:
        """One response with its literals."""
        data = b""
        while True:
            data += await self.reader.readuntil(b"\r\n")
            literal = _LITERAL_END.search(data)
            if literal is None:
                return data[:-2]
            data += await self.reader.readexactly(int(literal[1]))

    async def append(self, messages: Iterable[bytes]) -> None:
        """Appends all of them by one command."""
        said = await self.ask(b"APPEND INBOX" + b"".join(b" {%d+}\r\n%b" % (len(data), data) for data in messages))
        assert said[-1].startswith(b"OK"), said

    async def fetch(self, seq: int, items: list[bytes]) -> dict[bytes, Any]:
        """The items of one message by their labels; what was refused is not among them."""
        found: dict[bytes, Any] = {}
        for response in await self.ask(b"FETCH %d (%b)" % (seq, b" ".join(items))):
            if response.startswith(b"* %d FETCH " % seq):
                values = read_values(response.partition(b" FETCH ")[2])[0]
                found.update(zip(values[::2], values[1::2], strict=True))
        return found


def read_values(data: bytes) -> list[Any]:
    """All values of a response: lists, bytes, None for NIL. Takes more than IMAP allows."""
    stack: list[list[Any]] = [[]]
    at = 0
    while at < len(data):
        if data[at : at + 1] == b"(":
            stack.append([])
            at += 1
        elif data[at : at + 1] == b")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif data[at : at + 1] == b" ":
            at += 1
        elif quoted := _QUOTED.match(data, at):
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted[1], flags=re.DOTALL))
            at = quoted.end()
        elif literal := _LITERAL.match(data, at):
            at = literal.end() + int(literal[1])
            stack[-1].append(data[literal.end() : at])
        else:
            word = _WORD.match(data, at)
            assert word, data[at : at + 80]
            stack[-1].append(None if word[0] == b"NIL" else word[0])
            at = word.end()
    (values,) = stack
    return values


@asynccontextmanager
async def dovecot() -> AsyncIterator[ImapPeer]:
    """A client of a running Dovecot whose mailbox is empty. Skips the test when Dovecot is not installed."""
    if not IS_INSTALLED:
        pytest.skip("dovecot-imapd is not installed; see tests/packages.txt")
    ours, theirs = socket.socketpair()
    # Not a directory of pytest: those cannot be entered by another user.
    with tempfile.TemporaryDirectory() as name, ours:
        with theirs:
            process = await _start(Path(name), theirs)
        peer = ImapPeer(*await asyncio.open_connection(sock=ours, limit=LINE_BYTES))
        assert (await peer.response()).startswith(b"* PREAUTH")
        try:
            yield peer
        finally:
            peer.writer.close()
            await process.wait()


async def _start(folder: Path, connection: socket.socket) -> asyncio.subprocess.Process:
    is_root = os.getuid() == 0
    user, group = (NOBODY, NOBODY) if is_root else (os.getuid(), os.getgid())
    settings = folder / "dovecot.conf"
    settings.write_text(SETTINGS.format(folder=folder, user=user, group=group))
    if is_root:
        os.chown(folder, user, group)
    return await asyncio.create_subprocess_exec(
        PROGRAM,
        "-c",
        settings,
        stdin=connection.fileno(),
        stdout=connection.fileno(),
        stderr=asyncio.subprocess.DEVNULL,
        env={"USER": "jane", "HOME": str(folder), "PATH": os.environ["PATH"]},
        user=user if is_root else None,
        group=group if is_root else None,
        extra_groups=[] if is_root else None,
    )
