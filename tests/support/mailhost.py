"""An IMAP server with a few folders, which fails in the ways that a test asks for."""

from __future__ import annotations

import asyncio
import queue
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

_FETCH = re.compile(rb"UID FETCH ([0-9:,*]+) \((.*)\)$")


@dataclass(slots=True)
class Folder:
    """Messages by uid."""

    messages: dict[int, bytes]
    uidvalidity: int = 1
    attributes: str = ""
    numbers: dict[int, int] = field(default_factory=dict)  # Gmail's


@dataclass(slots=True)
class Mailhost:
    """What it has, and how it fails."""

    folders: dict[str, Folder]
    is_gmail: bool = False
    leaves_after: int = 0  # messages of a connection; 0 for never
    refused: frozenset[int] = frozenset()  # uids whose fetch is refused, with all that are asked for beside them
    omitted: frozenset[int] = frozenset()  # uids that are listed and never given
    holds_at: int = 0  # the uid at which it falls silent
    is_backwards: bool = False  # answers in no order
    connections: int = 0
    asked: list[int] = field(default_factory=list)  # uids whose bodies were asked for
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Its port on 127.0.0.1."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        words = b"IMAP4rev1 X-GM-EXT-1" if self.is_gmail else b"IMAP4rev1"
        writer.write(b"* OK [CAPABILITY %b] hello\r\n" % words)
        opened = Folder({})
        given = 0
        try:
            while line := (await reader.readline()).rstrip():
                tag, _, command = line.partition(b" ")
                ending = b"OK done"
                if command == b"CAPABILITY":
                    writer.write(b"* CAPABILITY %b\r\n" % words)
                elif command.startswith(b"LOGIN") and b"secret" not in command:
                    ending = b"NO [AUTHENTICATIONFAILED] wrong"
                elif command.startswith(b"LIST"):
                    for name, folder in self.folders.items():
                        writer.write(f'* LIST ({folder.attributes}) "/" "{name}"\r\n'.encode())
                elif command.startswith(b"EXAMINE"):
                    opened = self.folders[command.decode().split('"')[1]]
                    writer.write(
                        b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] ok\r\n" % (len(opened.messages), opened.uidvalidity)
                    )
                elif found := _FETCH.match(command):
                    uids = _chosen(found[1], opened)
                    if b"BODY.PEEK[]" not in found[2]:
                        for uid in reversed(uids) if self.is_backwards else uids:
                            number = opened.numbers.get(uid, 0)
                            size = len(opened.messages[uid])
                            writer.write(b"* 1 FETCH (UID %d RFC822.SIZE %d X-GM-MSGID %d)\r\n" % (uid, size, number))
                    elif self.refused.intersection(uids):
                        ending = b"NO internal error"
                    else:
                        self.asked += uids
                        for uid in uids:
                            if uid == self.holds_at:
                                self.silent.set()
                                await reader.read()
                                return
                            if uid not in self.omitted:
                                writer.write(_message(uid, opened.messages[uid]))
                                given += 1
                            if self.leaves_after and given >= self.leaves_after:
                                return
                writer.write(tag + b" " + ending + b"\r\n")
        except OSError:
            pass
        finally:
            writer.close()


def _message(uid: int, data: bytes) -> bytes:
    date = b'"01-Jan-2020 00:00:%02d +0000"' % (uid % 60)
    return b"* 1 FETCH (UID %d FLAGS (\\Seen) INTERNALDATE %b BODY[] {%d}\r\n%b)\r\n" % (uid, date, len(data), data)


def _chosen(written: bytes, folder: Folder) -> list[int]:
    """The uids of a set that are there; `n:*` has the last one in any case."""
    found: set[int] = set()
    last = max(folder.messages, default=0)
    for part in written.split(b","):
        low, _, high = part.partition(b":")
        end = last if high == b"*" else int(high or low)
        found.update(uid for uid in folder.messages if min(int(low), end) <= uid <= max(int(low), end))
    return sorted(found)


@contextmanager
def in_thread(host: Mailhost) -> Iterator[int]:
    """Its port, while it serves beside a test that has no event loop."""
    ports: queue.Queue[int] = queue.Queue()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        async with host.running() as port:
            ports.put(port)
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield ports.get(timeout=20)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
