"""BODY and BINARY sections of a message: which bytes a section means (RFC 9051 §6.4.5), and how they are written.

A section is a stretch of the message's bytes, with header fields that delivery put in front, or a selection of header
fields. What is large is not copied: it is written piece by piece, at the client's pace.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from app.imapserver.replies import CommandFailed
from app.store.account.reader import MessageBytes
from app.wire.imap.parse.fetch import Attribute, FetchItem, Section, SectionText
from app.wire.imap.response import UNKNOWN_CTE
from app.wire.imap.tokens import write_nstring
from app.wire.message.decode import ENCODINGS, IDENTITY_ENCODINGS, decode_body
from app.wire.message.header import select_fields
from app.wire.message.part import Part
from app.wire.message.preview import preview
from app.wire.message.section import find_part, message_of

PIECE_BYTES = 256 * 1024  # what is larger is written in pieces of this size
INSTEAD_OF_NUL = b"\x80"  # in messages that came with one although they must not (RFC 9051 §9, CHAR8)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`prefix`, then the bytes of `body` from `start` to `stop`."""

    body: bytes | mmap.mmap
    start: int
    stop: int
    prefix: bytes = b""

    def __len__(self) -> int:
        return len(self.prefix) + self.stop - self.start

    def joined(self) -> bytes:
        """All of it, copied."""
        return self.prefix + self.body[self.start : self.stop]

    def cut(self, offset: int, length: int) -> Stretch:
        """A stretch of the stretch, as far as there is one."""
        start = min(self.start + max(0, offset - len(self.prefix)), self.stop)
        stop = min(self.start + max(0, offset + length - len(self.prefix)), self.stop)
        return Stretch(self.body, start, stop, self.prefix[offset : offset + length])


@dataclass(frozen=True, slots=True)
class Large:
    """An item of a FETCH response that is too large to be held; `head` is all that comes before the message's bytes."""

    head: bytes
    stretch: Stretch
    may_hold_nul: bool = False

    def __len__(self) -> int:
        return len(self.head) + len(self.stretch)

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces; each is read when it is asked for."""
        stretch = self.stretch
        yield self.head + stretch.prefix
        for start in range(stretch.start, stretch.stop, PIECE_BYTES):
            piece = stretch.body[start : min(start + PIECE_BYTES, stretch.stop)]
            yield piece if self.may_hold_nul else piece.replace(b"\0", INSTEAD_OF_NUL)


def written(item: FetchItem, message: MessageBytes) -> bytes | Large:
    """The item of a FETCH response for a section of the message, or its preview."""
    if item.attribute is Attribute.PREVIEW:
        return _preview(item, message)
    section = _SECTIONS_OF.get(item.attribute, item.section)
    assert section is not None
    is_binary = item.attribute in _BINARIES
    found = binary_of(message, section) if is_binary else section_of(message, section)
    if item.attribute is Attribute.BINARY_SIZE:
        return b"%b %d" % (item.label, 0 if found is None else len(found))
    if found is None or isinstance(found, bytes):
        return write_section(item, found)
    if item.partial is not None:
        found = found.cut(item.partial.offset, item.partial.length)
    if len(found) <= PIECE_BYTES:
        return _literal(item, found.joined())
    mark = b"~" if is_binary and found.body.find(b"\0", found.start, found.stop) >= 0 else b""
    return Large(b"%b %b{%d}\r\n" % (item.label, mark, len(found)), found, may_hold_nul=is_binary)


def _preview(item: FetchItem, message: MessageBytes) -> bytes:
    """The first words; a client that does not want to wait gets none of what must be read from a file (RFC 8970 §3)."""
    is_far = not isinstance(message.body, bytes)
    text = None if item.is_lazy and is_far else preview(message.body, message.root).encode("utf-8", "replace")
    return b"PREVIEW " + write_nstring(text)


def write_section(item: FetchItem, data: bytes | None) -> bytes:
    """The item of a FETCH response for a section with these bytes; NIL when the message has no such part."""
    if data is None:
        return item.label + b" NIL"
    partial = item.partial
    return _literal(item, data if partial is None else data[partial.offset : partial.offset + partial.length])


def _literal(item: FetchItem, data: bytes) -> bytes:
    if not data:
        return item.label + b' ""'
    # Only BINARY may bring NUL, and only in a literal8, which few clients read (RFC 9051 §4.3.1, §9).
    mark = b""
    if b"\0" in data:
        mark = b"~" if item.attribute is Attribute.BINARY else b""
        data = data if mark else data.replace(b"\0", INSTEAD_OF_NUL)
    return b"%b %b{%d}\r\n%b" % (item.label, mark, len(data), data)


_BINARIES = frozenset({Attribute.BINARY, Attribute.BINARY_SIZE})
_SECTIONS_OF = {
    Attribute.RFC822: Section(),
    Attribute.RFC822_HEADER: Section(text=SectionText.HEADER),
    Attribute.RFC822_TEXT: Section(text=SectionText.TEXT),
}


def section_of(message: MessageBytes, section: Section) -> Stretch | bytes | None:
    """What a section means; None when the message has no such part."""
    if not section.part:
        return _of_message(message, section)
    if section.text is None or section.text is SectionText.MIME:
        part = find_part(message.root, section.part)
        if part is None:
            return None
        return _header(message, part) if section.text else _body(message, part)
    inner = message_of(message.root, section.part)
    if inner is None:
        return None
    if section.text is SectionText.TEXT:
        return _body(message, inner)
    return _header_fields(_header(message, inner), section)


def binary_of(message: MessageBytes, section: Section) -> Stretch | bytes | None:
    """A part with its transfer encoding taken away; raises CommandFailed when nobody knows the encoding.

    The message itself and parts that hold others have none to take away.
    """
    part = find_part(message.root, section.part)
    if part is None or not section.part:
        return None if part is None else _of_message(message, section)
    if part.children or part.message is not None or part.encoding in IDENTITY_ENCODINGS:
        return _body(message, part)
    if part.encoding not in ENCODINGS:
        raise CommandFailed(f"the part has the unknown transfer encoding {part.encoding}", UNKNOWN_CTE)
    return decode_body(message.body, part, part.size)  # all of it, however large


def _of_message(message: MessageBytes, section: Section) -> Stretch | bytes:
    if section.text is None:
        return Stretch(message.body, 0, len(message.body), message.prefix)
    if section.text is SectionText.TEXT:
        return Stretch(message.body, message.root.body_start, len(message.body))
    header = Stretch(message.body, message.root.header_start, message.root.body_start, message.prefix)
    return _header_fields(header, section)


def _body(message: MessageBytes, part: Part) -> Stretch:
    return Stretch(message.body, part.body_start, part.body_end)


def _header(message: MessageBytes, part: Part) -> Stretch:
    return Stretch(message.body, part.header_start, part.body_start)


def _header_fields(header: Stretch, section: Section) -> Stretch | bytes:
    if section.text is SectionText.HEADER:
        return header
    return select_fields(header.joined(), section.fields, exclude=section.text is SectionText.HEADER_FIELDS_NOT)
