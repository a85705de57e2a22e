"""The part tree as compact bytes, for a database row, and back.

JSON arrays, as the standard library reads and writes those in C and anything else can read them too. Positions are
relative to the parent's header, lengths stand instead of ends, and trailing defaults are left out; a plain text message
is about 30 bytes. `unpack` is for what `pack` wrote: anything else raises ValueError, TypeError or IndexError.

    [header_start, header length, body length, lines, type, params, encoding, details, children, message]
"""

from __future__ import annotations

import json
from typing import Any

from app.wire.message.contenttype import TEXT_PLAIN, ContentType, Disposition, Params
from app.wire.message.part import NO_DETAILS, Details, Part

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder().decode


def pack(part: Part) -> bytes:
    """The tree as bytes."""
    return _encode(_write_part(part, 0)).encode("ascii")


def unpack(packed: bytes) -> Part:
    """The tree that `pack` was given."""
    return _read_part(_decode(packed.decode("ascii")), 0)


def _write_part(part: Part, base: int) -> list[Any]:
    kind = part.content_type
    start = part.header_start
    row: list[Any] = [
        start - base,
        part.body_start - start,
        part.body_end - part.body_start,
        part.lines,
        "" if kind.type == "text" and kind.subtype == "plain" else kind.full,
        [text for param in kind.params for text in param],
        "" if part.encoding == "7bit" else part.encoding,
        _write_details(part.details) if part.details is not NO_DETAILS else 0,
        [_write_part(child, start) for child in part.children],
        _write_part(part.message, start) if part.message else 0,
    ]
    while not row[-1] and len(row) > 4:
        row.pop()
    return row


def _read_part(row: list[Any], base: int) -> Part:
    count = len(row)
    start = base + row[0]
    body_start = start + row[1]
    return Part(
        start,
        body_start,
        body_start + row[2],
        row[3],
        _read_type(row) if count > 4 else TEXT_PLAIN,
        (row[6] or "7bit") if count > 6 else "7bit",
        _read_details(row[7]) if count > 7 and row[7] else NO_DETAILS,
        tuple(_read_part(child, start) for child in row[8]) if count > 8 else (),
        _read_part(row[9], start) if count > 9 else None,
    )


def _read_type(row: list[Any]) -> ContentType:
    params = _read_params(row[5]) if len(row) > 5 else ()
    if not row[4]:
        return ContentType("text", "plain", params) if params else TEXT_PLAIN
    kind, _, subtype = row[4].partition("/")
    return ContentType(kind, subtype, params)


def _read_params(flat: list[str]) -> Params:
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _write_details(details: Details) -> list[Any]:
    disposition = details.disposition
    written = [disposition.kind, *(text for param in disposition.params for text in param)] if disposition else 0
    return [details.id, details.description, written, details.languages, details.location, details.md5]


def _read_details(row: list[Any]) -> Details:
    content_id, description, written, languages, location, md5 = row
    disposition = Disposition(written[0], _read_params(written[1:])) if written else None
    return Details(content_id, description, disposition, tuple(languages), location, md5)
