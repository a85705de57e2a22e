"""From the bytes of a file to a message: line ends, quoting, and flags in front, into a spool.

Mail has CR and LF at the end of each line. A file whose first line ends with LF alone gets CRs; any other stays as it
is, byte for byte. The end of a message is not touched: one without a final line end has none here either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.store.spool import Body, Spool
from app.wire.imap.flags import NO_FLAGS, FlagSet
from app.wire.mbox import MAX_FRONT, read_status, unquote

MAX_MESSAGE: Final = 512 << 20  # bytes
PIECE: Final = 256 * 1024


class MessageSink:
    """Takes the bytes of one message, then gives its body; `flags` are known when all is fed."""

    __slots__ = ("_adds_cr", "_head", "_held", "_is_mbox", "_spool", "flags", "is_too_large")

    def __init__(self, spool: Spool, *, is_mbox: bool) -> None:
        """In an mbox lines are quoted, and whole lines are fed."""
        self._spool = spool
        self._is_mbox = is_mbox
        self._head: bytes | None = b""  # what came first, until there is enough to decide by
        self._held = b""  # a CR that may belong to an LF
        self._adds_cr = False
        self.flags: FlagSet = NO_FLAGS
        self.is_too_large = False

    def feed(self, data: bytes) -> None:
        """More of it."""
        if self._head is None:
            self._write(data)
            return
        self._head += data
        if len(self._head) >= MAX_FRONT:
            self._decide(self._head)

    def finish(self) -> Body:
        """The message; raises Temporary when it could not be kept."""
        if self._head is not None:
            self._decide(self._head)
        if self._held:
            self._spool.write(self._held)
        return self._spool.finish()

    def discard(self) -> None:
        """Forget it."""
        self._spool.discard()

    def _decide(self, head: bytes) -> None:
        self._head = None
        if self._is_mbox:
            front = read_status(head)
            self.flags = front.flags
            head = head[front.length :]
        end = head.find(b"\n")
        self._adds_cr = end >= 0 and head[max(0, end - 1) : end] != b"\r"
        self._write(head)

    def _write(self, data: bytes) -> None:
        if self._is_mbox:
            data = unquote(data)
        if self._adds_cr:
            data = self._held + data
            self._held = b"\r" if data.endswith(b"\r") else b""
            data = data[: len(data) - len(self._held)].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if self._spool.size + len(data) > MAX_MESSAGE:
            self.is_too_large = True
            self._spool.discard()
            return
        if not self.is_too_large:
            self._spool.write(data)


def read_whole(read: Callable[[int], bytes], spool: Spool) -> MessageSink:
    """A file that is one message."""
    sink = MessageSink(spool, is_mbox=False)
    try:
        while data := read(PIECE):
            sink.feed(data)
    except BaseException:
        sink.discard()
        raise
    return sink
