"""Everything about a message that the store keeps beside its bytes, made in one pass before the transaction.

`prepare` costs CPU in proportion to the message and touches no database, so callers run it in a thread for large
bodies. Offsets count from the start of the body: the header fields that delivery puts in front are kept apart as the
prefix.
"""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass

from app.store.spool import Body
from app.wire.imap.respond.bodystructure import bodystructure
from app.wire.imap.respond.envelope import envelope
from app.wire.message.dates import parse_date
from app.wire.message.header import find_field, has_header, select_fields
from app.wire.message.packed import pack
from app.wire.message.part import parse_message
from app.wire.message.references import parse_message_id, parse_references
from app.wire.message.subject import base_subject

# What Thunderbird, mutt, Apple Mail and the libraries ask for in message lists; a FETCH of only these needs no body.
LIST_FIELDS = (
    "date from sender reply-to to cc bcc subject message-id in-reply-to references content-type priority x-priority"
    " importance newsgroups list-id list-post list-unsubscribe x-label content-description content-language"
).split()
SMALL = 64 * 1024
QUIET_PIECE = 2047  # bytes that hashlib hashes without letting go of the interpreter lock
MAX_LIST_FIELDS = 16 * 1024  # a longer selection is cut to nothing, and read from the body instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A message ready to be stored."""

    body: Body
    key: bytes  # SHA-256 of the body
    parts: bytes
    envelope: bytes
    body_form: bytes
    bodystructure: bytes
    list_fields: bytes
    message_id: str | None
    references: tuple[str, ...]  # Message-IDs of the messages before it in the thread, oldest first
    base_subject: str
    sent: int | None


def prepare(body: Body) -> Prepared:
    """Analyse a message; never raises for what is in it.

    Bytes without a header section are all text: they get an empty one, so that header fields can be put in front.
    """
    if not has_header(body.data):
        body = Body.of(b"\r\n" + body.data[:])
    data = body.data
    part = parse_message(data)
    header = bytes(data[part.header_start : part.body_start])
    date = parse_date(find_field(header, "Date") or "")
    selected = select_fields(header, LIST_FIELDS, exclude=False)
    return Prepared(
        body=body,
        key=_hash(data),
        parts=pack(part),
        envelope=envelope(data, part),
        body_form=bodystructure(data, part, extended=False),
        bodystructure=bodystructure(data, part, extended=True),
        list_fields=selected if len(selected) <= MAX_LIST_FIELDS else b"",
        message_id=parse_message_id(find_field(header, "Message-Id") or ""),
        references=_references(header),
        base_subject=base_subject(find_field(header, "Subject") or ""),
        sent=int(date.timestamp()) if date else None,
    )


def _references(header: bytes) -> tuple[str, ...]:
    """What In-Reply-To and References name; the last is the parent (RFC 5322 §3.6.4)."""
    texts = (find_field(header, name) for name in ("References", "In-Reply-To"))
    return tuple(dict.fromkeys(name for text in texts if text for name in parse_references(text)))


def _hash(data: bytes | mmap.mmap) -> bytes:
    """The SHA-256. For larger pieces hashlib lets go of the interpreter lock, and has to wait to get it back."""
    if len(data) > SMALL:
        return hashlib.sha256(data).digest()
    digest, view = hashlib.sha256(), memoryview(data)
    for start in range(0, len(view), QUIET_PIECE):
        digest.update(view[start : start + QUIET_PIECE])
    return digest.digest()
