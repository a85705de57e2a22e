"""The text of parts: transfer encoding and character set taken away (RFC 2045 §6).

Lenient and bounded: broken base64 and quoted-printable give what can be read, an unknown encoding leaves the bytes as
they are, an unknown character set is guessed, and no more than a given number of bytes is decoded. `search_text` is
what IMAP SEARCH BODY and TEXT look into: header values and text parts of the message and of all messages in it
(RFC 9051 §6.4.4 leaves open which parts count; like other servers we take the text ones).
"""

from __future__ import annotations

import binascii
import mmap
from collections.abc import Iterator

from app.wire.message.charset import decode_charset
from app.wire.message.encodedword import decode_base64, decode_words
from app.wire.message.header import read_fields
from app.wire.message.part import MAX_HEADER, Part, part_header

MAX_DECODED = 32 * 1024 * 1024  # of one part

IDENTITY_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
ENCODINGS = IDENTITY_ENCODINGS | {"base64", "quoted-printable"}


def decode_transfer(raw: bytes, encoding: str) -> bytes:
    """The bytes behind a Content-Transfer-Encoding; unchanged when it is unknown."""
    if encoding == "base64":
        return decode_base64(raw)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    return raw


def decode_body(data: bytes | mmap.mmap, part: Part, limit: int = MAX_DECODED) -> bytes:
    """The first `limit` bytes of the decoded body."""
    # Base64 in the shortest of lines is twice as long as what it stands for, quoted-printable three times.
    longest = {"base64": 2 * limit + 8, "quoted-printable": 3 * limit}.get(part.encoding, limit)
    raw = data[part.body_start : min(part.body_end, part.body_start + longest)]
    return decode_transfer(raw, part.encoding)[:limit]


def decode_text(data: bytes | mmap.mmap, part: Part, limit: int = MAX_DECODED) -> str:
    """The text of a text part."""
    return decode_charset(decode_body(data, part, limit), part.content_type.param("charset") or "")


def header_text(header: bytes) -> str:
    """All fields of a header section decoded, one on a line, as `Name: value`."""
    return "\n".join(f"{field.name}: {decode_words(field.value)}" for field in read_fields(header[:MAX_HEADER]))


def text_parts(root: Part) -> Iterator[Part]:
    """All text parts in order, those of messages in the message too."""
    pending = [root]
    while pending:
        part = pending.pop()
        if part.children:
            pending.extend(reversed(part.children))
        elif part.message is not None:
            pending.append(part.message)
        elif part.is_text:
            yield part


def search_text(data: bytes | mmap.mmap, root: Part, with_header: bool) -> Iterator[str]:
    """What SEARCH TEXT (`with_header`) or SEARCH BODY look into, piece by piece."""
    if with_header:
        yield header_text(part_header(data, root))
    pending = [root]
    while pending:
        part = pending.pop()
        pending.extend(reversed(part.children))
        if part.message is not None:
            yield header_text(part_header(data, part.message))
            pending.append(part.message)
        elif (part.is_text or part.content_type.type == "message") and not part.children:  # as a delivery-status
            yield decode_text(data, part)
        if part is not root and part.details.disposition:
            yield part.details.disposition.param("filename") or ""
