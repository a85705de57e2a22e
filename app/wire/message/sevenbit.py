"""A message with 8-bit data as one of 7 bits, for a server that takes no other (RFC 6152 §3, RFC 2045 §6).

Each part with 8-bit data is put into quoted-printable, or into base64 where that is shorter or where lines are not to
be touched; a message in the message is changed in its own parts, as it may have no encoding itself (RFC 2046 §5.2.1).
Parts without 8-bit data keep their bytes. What a reader sees stays the same, byte by byte.

Raises Unconvertible, with a reason for people, where that is not possible: 8-bit characters in a header, which only
SMTPUTF8 can carry, a part whose encoding nobody knows, and what is signed as a whole (RFC 1847 §2.1) and would not be
genuine any more. Linear; for more than 64 KiB call it in a thread. A DKIM signature does not survive.
"""

from __future__ import annotations

import binascii
import itertools
import mmap
import re
from collections.abc import Iterator

from app.errors import MessageSyntaxError
from app.wire.message.decode import ENCODINGS, decode_body
from app.wire.message.header import field_name, has_field, raw_fields
from app.wire.message.part import Part, parse_message, part_header

LINE_BYTES = 57  # of data in a line of 76 letters (RFC 2045 §6.8)
DENSE = 6  # with more than one byte in so many not ASCII, base64 is shorter

_HIGH = bytes(range(128, 256))
_QUESTIONED = bytes(range(128)) + b"?" * 128
_CONTAINER = re.compile(rb"(?i)\ncontent-type[ \t]*:\s*(?:multipart/|message/(?:rfc822|global))")


class Unconvertible(MessageSyntaxError):
    """The message cannot be carried in 7 bits; the text says why, for people."""


def to_seven_bit(data: bytes | mmap.mmap) -> bytes:
    """The same message without 8-bit data."""
    root = parse_message(data)
    converted = b"".join(_message(data, root))
    if not converted.isascii():  # no part of it was said to have any
        raise Unconvertible("it has 8-bit data where none can be")
    return converted


def _message(data: bytes | mmap.mmap, part: Part) -> Iterator[bytes]:
    """A whole message, which is MIME from now on."""
    if data[part.header_start : part.body_end].isascii():
        return iter((data[part.header_start : part.body_end],))
    header = part_header(data, part)
    added = b""
    if not has_field(header, "MIME-Version"):
        added = b"MIME-Version: 1.0\r\n"
        if not has_field(header, "Content-Type"):
            added += b"Content-Type: text/plain; charset=%s\r\n" % _charset(data[part.body_start : part.body_end])
    return _part(data, part, added)


def _charset(body: bytes) -> bytes:
    """What a body without MIME is written in, as far as that can be told (RFC 1428)."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return b"unknown-8bit"
    return b"utf-8"


def _part(data: bytes | mmap.mmap, part: Part, added: bytes = b"") -> Iterator[bytes]:
    """A part with its header section, as it is when it has no 8-bit data."""
    if data[part.header_start : part.body_end].isascii():
        return iter((data[part.header_start : part.body_end],))
    header = part_header(data, part)
    if not header.isascii():
        raise Unconvertible("a header field has characters that are not ASCII")
    if part.children:
        return itertools.chain((_header(header, added),), _multipart(data, part))
    if part.message is not None:
        return itertools.chain((_header(header, added),), _message(data, part.message))
    return _leaf(data, part, header, added)


def _multipart(data: bytes | mmap.mmap, part: Part) -> Iterator[bytes]:
    if part.content_type.subtype in ("signed", "encrypted"):
        raise Unconvertible(f"what is in multipart/{part.content_type.subtype} must not be changed")
    position = part.body_start
    for child in part.children:
        yield _between(data[position : child.header_start], part)
        yield from _part(data, child)
        position = child.body_end
    yield _between(data[position : part.body_end], part)


def _between(text: bytes, part: Part) -> bytes:
    """Delimiters, and what stands before and after the parts, which nobody is shown (RFC 2046 §5.1.1)."""
    if not text.isascii() and part.children[0].header_start == part.body_start:
        raise Unconvertible("a multipart has no parts but text that is not ASCII")
    return text.translate(_QUESTIONED)


def _leaf(data: bytes | mmap.mmap, part: Part, header: bytes, added: bytes) -> Iterator[bytes]:
    if part.encoding not in ENCODINGS:
        raise Unconvertible(f"a part has the unknown encoding {part.encoding[:40]}")
    if _CONTAINER.search(b"\n" + header):
        raise Unconvertible("its parts are too many or too deep in each other")
    body = decode_body(data, part, part.size)
    quoted = _quoted(body) if part.is_text and part.encoding != "binary" else None
    encoding = b"base64" if quoted is None else b"quoted-printable"
    yield _header(header, added + b"Content-Transfer-Encoding: %s\r\n" % encoding)
    if quoted is not None:
        yield quoted
        return
    for at in range(0, len(body), LINE_BYTES):
        yield binascii.b2a_base64(body[at : at + LINE_BYTES], newline=False) + b"\r\n"


def _quoted(body: bytes) -> bytes | None:
    """The text in quoted-printable; None when base64 is better."""
    high = len(body) - len(body.translate(None, _HIGH))
    lines = body.count(b"\r\n")
    if high * DENSE > len(body) or lines != body.count(b"\n") or lines != body.count(b"\r"):
        return None
    # The first line end tells binascii how to write its own.
    encoded = binascii.b2a_qp(body + b"\r\n")[:-2]
    # A line broken in two must not begin like a delimiter that the text could not have had there.
    return None if b"=\r\n--" in encoded else encoded


def _header(header: bytes, added: bytes) -> bytes:
    """The header section with other words on the encoding."""
    kept = [raw for raw in raw_fields(header) if field_name(raw) != b"content-transfer-encoding"]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    return b"".join((*kept, added, b"\r\n"))
