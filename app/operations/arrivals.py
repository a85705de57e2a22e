"""Mail as it arrives, in the words of a page: who sent it, what it is about, and what was checked on the way in.

What was checked is read from the fields that delivery itself put in front of the message (Received and
Authentication-Results), never from what the sender wrote. Texts come from strangers, and are text.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from app.store.account.newest import MAX_NEWEST, Newest, last_modseq, newest
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_field, find_fields

MAX_TEXT = 200
_PEER = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]")
_TLS = re.compile(r"\((TLS[0-9.]{1,4}) [A-Z0-9_]{1,60}\)")
_RESULT = re.compile(r"\b(iprev|spf|dkim|dmarc|auth|arc)=([a-z]{1,20})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that came in by SMTP, or a notice of our own."""

    createseq: int
    mailbox: str
    received: int
    size_bytes: int
    sender: str
    subject: str
    in_reply_to: str
    peer: str = ""  # the address that handed it over
    tls: str = ""  # such as "TLS1.3"; "" without
    checks: Sequence[str] = ()  # such as "spf=pass"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came since, and from where to ask on."""

    modseq: int
    rows: Sequence[Arrival]


def arrivals(db: sqlite3.Connection, since: int) -> Arrivals:
    """Messages delivered after the modseq `since`, the last one first; without those that mail programs put there."""
    rows = [_arrival(one) for one in newest(db, since, MAX_NEWEST) if find_field(one.prefix, "Return-Path") is not None]
    return Arrivals(last_modseq(db), rows)


def _arrival(one: Newest) -> Arrival:
    received = find_field(one.prefix, "Received") or ""
    results = " ".join(find_fields(one.prefix, "Authentication-Results"))
    peer, tls = _PEER.search(received), _TLS.search(received)
    return Arrival(
        createseq=one.createseq,
        mailbox=one.mailbox,
        received=one.received,
        size_bytes=one.size_bytes,
        sender=field_text(one.list_fields, "From"),
        subject=field_text(one.list_fields, "Subject"),
        in_reply_to=field_text(one.list_fields, "In-Reply-To"),
        peer=peer[1] if peer else "",
        tls=tls[1] if tls else "",
        checks=tuple(dict.fromkeys(f"{name}={result}" for name, result in _RESULT.findall(results))),
    )


def field_text(header: bytes, name: str) -> str:
    """A field for people: decoded, on one line, not endless, without what would garble a page or a terminal."""
    value = decode_words(find_field(header, name) or "")
    return "".join(char if char.isprintable() else "\ufffd" for char in value[:MAX_TEXT])
