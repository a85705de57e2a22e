"""BODY and BODYSTRUCTURE: the tree of parts as IMAP wire bytes (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

Like ENVELOPE these are made once, at delivery, and are valid for every client whatever the message holds. Types,
parameter names and encodings are lower-case, which spares clients a conversion; parameter values are as written.
RFC 2231 continuations are joined under one name, with its asterisk when the value is percent-encoded: clients know
`filename*`, hardly any knows `filename*0*`. A text part without a charset says `us-ascii` (RFC 2045 §5.2).
"""

from __future__ import annotations

import mmap

from app.wire.imap.respond.envelope import NIL, envelope, write_nstring, write_string
from app.wire.message.contenttype import ContentType, Disposition, Params
from app.wire.message.part import NO_DETAILS, Details, Part

_US_ASCII = (("charset", "us-ascii"),)
_NO_EXTENSION = b" NIL NIL NIL"


def bodystructure(data: bytes | mmap.mmap, part: Part, extended: bool) -> bytes:
    """BODYSTRUCTURE when `extended`, BODY otherwise."""
    if part.children:
        return _write_multipart(data, part, extended)
    kind = part.content_type
    details = part.details
    fields = [
        b"%b %b" % (write_string(kind.type), write_string(kind.subtype)),
        _write_params(_params(kind)),
        write_nstring(details.id),
        write_nstring(details.description),
        write_string(part.encoding),
        b"%d" % part.size,
    ]
    if part.message is not None:
        fields += envelope(data, part.message), bodystructure(data, part.message, extended), b"%d" % part.lines
    elif kind.type == "text":
        fields.append(b"%d" % part.lines)
    if extended:
        fields.append(write_nstring(details.md5) + _write_extension(details))
    return b"(%b)" % b" ".join(fields)


def _write_multipart(data: bytes | mmap.mmap, part: Part, extended: bool) -> bytes:
    children = b"".join([bodystructure(data, child, extended) for child in part.children])
    kind = part.content_type
    if not extended:
        return b"(%b %b)" % (children, write_string(kind.subtype))
    return b"(%b %b %b%b)" % (
        children,
        write_string(kind.subtype),
        _write_params(kind.params),
        _write_extension(part.details),
    )


def _write_extension(details: Details) -> bytes:
    """Disposition, language and location, with a space before each."""
    if details is NO_DETAILS:
        return _NO_EXTENSION
    return b" %b %b %b" % (
        _write_disposition(details.disposition),
        _write_languages(details.languages),
        write_nstring(details.location),
    )


def _params(kind: ContentType) -> Params:
    if kind.type != "text" or any(name in ("charset", "charset*") for name, _ in kind.params):
        return kind.params
    return kind.params + _US_ASCII


def _write_params(params: Params) -> bytes:
    if not params:
        return NIL
    return b"(%b)" % b" ".join([write_string(text) for param in params for text in param])


def _write_disposition(disposition: Disposition | None) -> bytes:
    if disposition is None:
        return NIL
    return b"(%b %b)" % (write_string(disposition.kind), _write_params(disposition.params))


def _write_languages(languages: tuple[str, ...]) -> bytes:
    if not languages:
        return NIL
    if len(languages) == 1:
        return write_string(languages[0])
    return b"(%b)" % b" ".join([write_string(language) for language in languages])
