"""ENVELOPE: the main fields of a message as IMAP wire bytes (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

    ("date" "subject" from sender reply-to to cc bcc "in-reply-to" "message-id")

The bytes are made once, at delivery, and stored. They are valid for every client: strings are quoted when they are
short printable ASCII and literals otherwise, so 8-bit text needs no extension, and hold no NUL, CR or LF. Encoded words
go to the client as they are. Sender and Reply-To are those of From when they are missing or hold no address. A mailbox
without a domain gets the empty string for it, as NIL there means the start of a group. Of several fields of a name all
addresses are listed, so that none is hidden, and the first text counts. Each string is cut to MAX_STRING bytes.
"""

from __future__ import annotations

import itertools
import mmap
import re
from collections.abc import Sequence

from app.wire.message.addresses import MAX_ADDRESSES, AddressGroup, HeaderAddress, parse_addresses
from app.wire.message.header import fields_pattern, unfold
from app.wire.message.part import MAX_HEADER, Part

MAX_STRING = 8 * 1024
MAX_QUOTED = 1000  # RFC 9051 sets no limit, but clients' line buffers do; longer strings are literals
MAX_FIELDS = 20  # of one name; one is allowed
NIL = b"NIL"

_FIELDS = fields_pattern(rb"(date|subject|from|sender|reply-to|to|cc|bcc|in-reply-to|message-id)")
_PLAIN = re.compile(rb"[ !#-\[\]-~]*")
_QUOTABLE = re.compile(rb"[ -~]*")
_BLANKS = re.compile(r"[ \t]{2,}|\t")
_CONTROL = bytes.maketrans(b"\r\n", b"  ")


def write_string(value: str) -> bytes:
    """A quoted string or a literal, whatever the value holds."""
    raw = value.encode("utf-8", "surrogateescape")
    if len(raw) <= MAX_QUOTED and _PLAIN.fullmatch(raw):
        return b'"' + raw + b'"'
    return _write_odd_string(raw)


def _write_odd_string(raw: bytes) -> bytes:
    raw = raw.translate(_CONTROL, b"\0")[:MAX_STRING]
    if len(raw) <= MAX_QUOTED and _QUOTABLE.fullmatch(raw):
        return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return b"{%d}\r\n%b" % (len(raw), raw)


def write_nstring(value: str | None) -> bytes:
    """A string, or NIL."""
    return NIL if value is None else write_string(value)


def envelope(data: bytes | mmap.mmap, part: Part) -> bytes:
    """The ENVELOPE of the message whose header section `part` has."""
    header = b"\n" + data[part.header_start : min(part.body_start, part.header_start + MAX_HEADER)]
    found: dict[bytes, list[str]] = {}
    for match in _FIELDS.finditer(header):
        found.setdefault(match[1].lower(), []).append(unfold(match[2]))
    author = _write_addresses(found.get(b"from", ()))
    sender = _write_addresses(found.get(b"sender", ()))
    reply_to = _write_addresses(found.get(b"reply-to", ()))
    subject = found.get(b"subject", (None,))[0]
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        write_nstring(found.get(b"date", (None,))[0]),
        write_nstring(_BLANKS.sub(" ", subject) if subject else subject),
        author,
        author if sender is NIL else sender,
        author if reply_to is NIL else reply_to,
        _write_addresses(found.get(b"to", ())),
        _write_addresses(found.get(b"cc", ())),
        _write_addresses(found.get(b"bcc", ())),
        write_nstring(found.get(b"in-reply-to", (None,))[0]),
        write_nstring(found.get(b"message-id", (None,))[0]),
    )


def _write_addresses(values: Sequence[str]) -> bytes:
    """The addresses of all fields of a name, or NIL when there is none."""
    written: list[bytes] = []
    for address in itertools.chain.from_iterable(map(parse_addresses, values[:MAX_FIELDS])):
        if len(written) >= MAX_ADDRESSES:
            break
        if isinstance(address, AddressGroup):
            written.append(b"(NIL NIL %b NIL)" % write_string(address.name))
            written.extend(map(_write_address, address.members))
            written.append(b"(NIL NIL NIL NIL)")
        else:
            written.append(_write_address(address))
    return b"(%b)" % b"".join(written) if written else NIL


def _write_address(address: HeaderAddress) -> bytes:
    return b"(%b NIL %b %b)" % (
        write_nstring(address.name),
        write_string(address.localpart),
        write_string(address.domain),
    )
