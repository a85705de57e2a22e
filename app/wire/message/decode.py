"""The text of parts: transfer encoding and character set taken away (RFC 2045 §6).

Lenient and bounded: broken base64 and quoted-printable give what can be read, an unknown encoding leaves the bytes as
they are, an unknown character set is guessed, and no more than a given number of bytes is decoded. `search_text` is
what IMAP SEARCH BODY and TEXT look into: text parts of the message and of all messages in it, and for TEXT also the
header sections, those of parts too (RFC 9051 §6.4.4: BODY matches no header field, TEXT those of MIME as well).
"""

from __future__ import annotations

import binascii
import mmap
import re
from collections.abc import Iterator

from app.wire.message.charset import decode_charset
from app.wire.message.encodedword import decode_base64, decode_words
from app.wire.message.header import raw_fields, unfold
from app.wire.message.part import MAX_HEADER, Part, part_header

MAX_DECODED = 32 * 1024 * 1024  # of one part
_LINE_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")  # added on the way (RFC 2045 §6.7, rule 3)

IDENTITY_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
ENCODINGS = IDENTITY_ENCODINGS | {"base64", "quoted-printable"}


def decode_transfer(raw: bytes, encoding: str) -> bytes:
    """The bytes behind a Content-Transfer-Encoding; unchanged when it is unknown."""
    if encoding == "base64":
        return decode_base64(raw)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(_LINE_BLANKS.sub(b"", raw))
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
    """All of a header section decoded, a field on a line, as `Name: value`; a line that is no field as it is."""
    return "\n".join(_field_text(raw) for raw in raw_fields(header[:MAX_HEADER]))


def _field_text(raw: bytes) -> str:
    name, colon, value = raw.partition(b":")
    if not (colon and name):
        return value_text(unfold(raw))
    word = name.rstrip(b" \t").decode("ascii", "replace")
    return f"{word}: {value_text(unfold(value))}"


def value_text(value: str) -> str:
    """The value of a field as people see it: encoded words decoded, and a tab, with which lines are folded, a blank."""
    return decode_words(value).replace("\t", " ")


def text_parts(root: Part) -> Iterator[Part]:
    """All text parts in order, those of messages in the message too."""
    for part in _all_parts(root):
        if part.is_text and not part.children and part.message is None:
            yield part


def search_text(data: bytes | mmap.mmap, root: Part, with_header: bool) -> Iterator[str]:
    """What SEARCH TEXT (`with_header`) or SEARCH BODY look into, piece by piece."""
    if with_header:
        yield from header_texts(data, root)
    for part in _all_parts(root):
        # Text within a message part, such as a delivery-status, is for people too.
        if (part.is_text or part.content_type.type == "message") and not part.children and part.message is None:
            yield decode_text(data, part)


def header_texts(data: bytes | mmap.mmap, root: Part) -> Iterator[str]:
    """The header sections of the message, of its parts and of messages in it, and the decoded names of files."""
    for part in _all_parts(root):
        yield header_text(part_header(data, part))
        if part.details.disposition:
            yield part.details.disposition.param("filename") or ""


def _all_parts(root: Part) -> Iterator[Part]:
    pending = [root]
    while pending:
        part = pending.pop()
        yield part
        if part.message is not None:
            pending.append(part.message)
        pending.extend(reversed(part.children))
