"""URLs of messages and parts on this server (RFC 5092 §6, RFC 4469 §3).

    url = "/" mailbox [";UIDVALIDITY=" number] "/;UID=" uid ["/;SECTION=" section] ["/;PARTIAL=" offset ["." length]]

Mailbox and section are percent-encoded. A URL begins with a slash: it names no server, as it is read on this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from app.errors import ImapSyntaxError
from app.wire.imap.parse.fetch import Partial, Section, parse_section
from app.wire.imap.tokens import MAX_NUMBER, MAX_NUMBER64, ImapCursor

MAX_URL = 8192
_URL = re.compile(
    r"/(?P<mailbox>[^/;?#]+(?:/[^/;?#]+)*)(?:;UIDVALIDITY=(?P<uidvalidity>[0-9]{1,10}))?/;UID=(?P<uid>[0-9]{1,10})"
    r"(?:/?;SECTION=(?P<section>[^/;?#]+))?(?:/?;PARTIAL=(?P<offset>[0-9]{1,19})(?:\.(?P<length>[0-9]{1,19}))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUrl:
    """A message, a section of it, or a stretch of that."""

    mailbox: str
    uidvalidity: int | None
    uid: int
    section: Section
    partial: Partial | None


def parse_url(url: str) -> MessageUrl:
    """The place that a URL names; raises ImapSyntaxError when it names none here."""
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None:
        raise ImapSyntaxError("not the URL of a message on this server, such as /Inbox/;UID=1")
    uid, uidvalidity, offset, length = (found[name] for name in ("uid", "uidvalidity", "offset", "length"))
    if not 0 < int(uid) <= MAX_NUMBER:
        raise ImapSyntaxError("not a uid")
    partial = None
    if offset is not None:
        partial = Partial(int(offset), min(int(length or MAX_NUMBER64), MAX_NUMBER64))
    return MessageUrl(
        mailbox=_decode_mailbox(found["mailbox"]),
        uidvalidity=int(uidvalidity) if uidvalidity else None,
        uid=int(uid),
        section=_decode_section(found["section"]),
        partial=partial,
    )


def _decode_mailbox(raw: str) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeError:
        raise ImapSyntaxError("the mailbox of the URL is not UTF-8") from None


def _decode_section(raw: str | None) -> Section:
    if raw is None:
        return Section()
    cursor = ImapCursor(b"[" + unquote_to_bytes(raw) + b"]")
    section = parse_section(cursor, has_text=True)
    cursor.expect_end()
    return section
