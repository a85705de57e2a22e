"""BODY sections of a message: which bytes a section means (RFC 9051 §6.4.5)."""

from __future__ import annotations

from app.store.account.reader import MessageBytes
from app.wire.imap.parse.fetch import FetchItem, Partial, Section, SectionText
from app.wire.message.header import select_fields
from app.wire.message.part import Part
from app.wire.message.section import find_part, message_of


def section_bytes(message: MessageBytes, section: Section) -> bytes | None:
    """The bytes of a section; None when the message has no such part."""
    if not section.part:
        return _of_message(message, section)
    if section.text is None or section.text is SectionText.MIME:
        part = find_part(message.root, section.part)
        if part is None:
            return None
        return _header(message, part) if section.text else message.body[part.body_start : part.body_end]
    inner = message_of(message.root, section.part)
    if inner is None:
        return None
    if section.text is SectionText.TEXT:
        return message.body[inner.body_start : inner.body_end]
    return _header_fields(_header(message, inner), section)


def _of_message(message: MessageBytes, section: Section) -> bytes:
    if section.text is None:
        return message.whole()
    if section.text is SectionText.TEXT:
        return message.text()
    return _header_fields(message.header(), section)


def _header(message: MessageBytes, part: Part) -> bytes:
    return message.body[part.header_start : part.body_start]


def _header_fields(header: bytes, section: Section) -> bytes:
    if section.text is SectionText.HEADER:
        return header
    return select_fields(header, section.fields, exclude=section.text is SectionText.HEADER_FIELDS_NOT)


def cut(data: bytes, partial: Partial | None) -> bytes:
    """The stretch that was asked for; nothing when it lies behind the end."""
    return data if partial is None else data[partial.offset : partial.offset + partial.length]


def write_section(item: FetchItem, data: bytes | None) -> bytes:
    """The item of a FETCH response for a section with these bytes."""
    if data is None:
        return item.label + b" NIL"
    data = cut(data, item.partial)
    return b"%b {%d}\r\n%b" % (item.label, len(data), data) if data else item.label + b' ""'
