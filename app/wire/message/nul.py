"""Messages with NUL: bodies of parts that hold one are put into base64 (RFC 3516 §4.4, RFC 9051 §6.3.12).

A client may append binary data as it is, in a literal8. Most of IMAP cannot carry a NUL, so such a part is kept in a
transfer encoding, which loses nothing: BINARY takes it away again. All that is asked for later, sizes and structures
too, then speaks of the same bytes. Parts without NUL are not touched.

A NUL outside the bodies of parts (in a header section, before or after the parts of a multipart) means nothing in any
standard, and in an encoding that nobody knows it cannot be told what it means: both raise NulError.
"""

from __future__ import annotations

import binascii
import mmap
from collections.abc import Iterator

from app.errors import MessageSyntaxError
from app.wire.message.decode import ENCODINGS, decode_body
from app.wire.message.header import field_name, has_header, raw_fields
from app.wire.message.part import Part, parse_message, part_header

LINE_BYTES = 57  # of data in a line of 76 letters (RFC 2045 §6.8)
PIECE_BYTES = LINE_BYTES * 1024

_BASE64 = b"Content-Transfer-Encoding: base64\r\n"
_ENCODING = b"content-transfer-encoding"


class NulError(MessageSyntaxError):
    """A NUL where none can be kept."""


def without_nul(data: bytes | mmap.mmap) -> Iterator[bytes]:
    """The message in pieces, with the parts that hold a NUL in base64; raises NulError before the first piece."""
    parts = _parts_with_nul(data) if has_header(data) else []
    if not parts:  # no header section: all of it is one body
        return _whole(data)
    return _pieces(data, parts)


def _whole(data: bytes | mmap.mmap) -> Iterator[bytes]:
    yield _BASE64 + b"\r\n"
    yield from _base64(data[:])


def _pieces(data: bytes | mmap.mmap, parts: list[Part]) -> Iterator[bytes]:
    position = 0
    for part in parts:
        yield from _copied(data, position, part.header_start)
        yield _header(part_header(data, part))
        yield from _base64(decode_body(data, part, part.size))
        position = part.body_end
    yield from _copied(data, position, len(data))


def _parts_with_nul(data: bytes | mmap.mmap) -> list[Part]:
    """The leaves that hold a NUL, in order."""
    found: list[Part] = []
    position = data.find(b"\0")
    for part in _leaves(parse_message(data)):
        if position < 0 or position >= part.body_end:
            continue
        if position < part.body_start:
            raise NulError("NUL is possible only in the body of a part; this one is elsewhere")
        if part.encoding not in ENCODINGS:
            raise NulError(f"NUL in a part with the unknown transfer encoding {part.encoding}; use binary")
        found.append(part)
        position = data.find(b"\0", part.body_end)
    if position >= 0:
        raise NulError("NUL is possible only in the body of a part; this one is elsewhere")
    return found


def _leaves(root: Part) -> Iterator[Part]:
    pending = [root]
    while pending:
        part = pending.pop()
        if part.children or part.message is not None:
            pending.extend(reversed((*part.children, *([part.message] if part.message else []))))
        else:
            yield part


def _header(header: bytes) -> bytes:
    """The header section of a part with the other encoding."""
    kept = [raw for raw in raw_fields(header) if field_name(raw) != _ENCODING]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    return b"".join((*kept, _BASE64, b"\r\n"))


def _base64(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        piece = body[start : start + PIECE_BYTES]
        lines = (piece[at : at + LINE_BYTES] for at in range(0, len(piece), LINE_BYTES))
        yield b"".join(binascii.b2a_base64(line, newline=False) + b"\r\n" for line in lines)


def _copied(data: bytes | mmap.mmap, start: int, stop: int) -> Iterator[bytes]:
    for at in range(start, stop, PIECE_BYTES):
        yield data[at : min(at + PIECE_BYTES, stop)]
