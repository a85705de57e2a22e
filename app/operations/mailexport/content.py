"""The bytes of a message as a file has them: with line feeds alone, where that can be undone.

Mail has CR and LF at the end of each line, programs on Unix keep it with LF. A message that has some line feeds without
CR, or CRs in odd places, stays exactly as it is: when it is read again, its first line says by its end which was done.
Large messages are gone through in pieces that end with a line.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.store.account.reader import MessageBytes

PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """A message that is to be written."""

    message: MessageBytes
    end: bytes  # of its lines in the file
    size: int  # in the file

    def pieces(self) -> Iterator[bytes]:
        """The bytes for the file, in pieces of whole lines."""
        for piece in _pieces(self.message):
            yield piece.replace(b"\r\n", b"\n") if self.end == b"\n" else piece


def text_of(message: MessageBytes) -> Text:
    """How the message is to be written."""
    lines = 0
    for piece in _pieces(message):
        count = piece.count(b"\r\n")
        if count != piece.count(b"\n") or b"\r\r\n" in piece:
            return Text(message, b"\r\n", message.size_bytes)
        lines += count
    return Text(message, b"\n", message.size_bytes - lines)


def _pieces(message: MessageBytes) -> Iterator[bytes]:
    if message.size_bytes <= PIECE:
        yield message.whole()
        return
    if message.prefix:
        yield message.prefix  # whole header fields
    yield from _large(message.body)


def _large(body: bytes | mmap.mmap) -> Iterator[bytes]:
    start, length = 0, len(body)
    while start < length:
        end = min(start + PIECE, length)
        if end < length:
            found = body.rfind(b"\n", start, end)
            found = found if found >= 0 else body.find(b"\n", end)
            end = found + 1 if found >= 0 else length
        yield body[start:end]
        start = end
