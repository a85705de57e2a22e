"""The bytes of a message as they are sent: after DATA with its dots doubled, or as one chunk of BDAT.

Both come in pieces, so that a large message is never copied whole, and a piece ends with a line where it can. What is
no line end for us may be one for the server, so after DATA bare CR and LF become CRLF: nobody shall see an end of data
that is somebody else's (RFC 5321 §4.5.2). A chunk has its length written before it and so goes as it is; a message with
such bytes goes by DATA (RFC 3030 §2).
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

from app.wire.smtp.data import find_fault

CHUNK = 256 * 1024

_BARE = re.compile(rb"\r\n|\r|\n")


def stuffed(prefix: bytes, body: bytes | mmap.mmap) -> Iterator[bytes]:
    """The message as DATA carries it, with its end, in chunks (RFC 5321 §4.5.2). Bare CR and LF become CRLF."""
    last = b"\r\n"
    for chunk in _whole_lines(prefix, body):
        if find_fault(chunk) is not None:
            # What is no line end for us may be one for the server: never let it see an end of data of somebody else.
            chunk = _BARE.sub(b"\r\n", chunk)
        if chunk.startswith(b".") and last.endswith(b"\n"):
            chunk = b"." + chunk
        last = (last + chunk[-2:])[-2:]
        yield chunk.replace(b"\r\n.", b"\r\n..")
    yield b".\r\n" if last == b"\r\n" else b"\r\n.\r\n"


def is_clean(prefix: bytes, body: bytes | mmap.mmap) -> bool:
    """Whether the message may go as a chunk."""
    return all(find_fault(piece) is None for piece in _whole_lines(prefix, body))


def chunk(prefix: bytes, body: bytes | mmap.mmap) -> Iterator[bytes]:
    """The message as one chunk, with its command in front (RFC 3030 §2); it ends with a line end as any other."""
    end = b"" if (body[-2:] or prefix[-2:] or b"\r\n") == b"\r\n" else b"\r\n"
    yield b"BDAT %d LAST\r\n" % (len(prefix) + len(body) + len(end))
    yield from _whole_lines(prefix, body)
    if end:
        yield end


def _whole_lines(prefix: bytes, body: bytes | mmap.mmap) -> Iterator[bytes]:
    """Pieces of about CHUNK that stop at a line's end where there is one, and never between CR and LF."""
    if len(prefix) + len(body) <= CHUNK:
        yield prefix + bytes(body)
        return
    if prefix:
        yield prefix
    start = 0
    while start < len(body):
        end = min(start + CHUNK, len(body))
        if end < len(body):
            line_end = body.rfind(b"\n", start, end)
            if line_end >= 0:
                end = line_end + 1
            elif body[end - 1] == 13:
                end -= 1
        yield body[start:end]
        start = end
