"""URLs of messages and parts on this server (RFC 5092 §6, RFC 4469 §3).

    url    = [["imap:"] "//" server] "/" mailbox [";UIDVALIDITY=" number] "/" place / ["/"] place
    server = [user [";AUTH=" mechanism] "@"] host [":" port]
    place  = ";UID=" uid ["/;SECTION=" section] ["/;PARTIAL=" offset ["." length]]

User, mailbox and section are percent-encoded. A URL without a server is read on this one, one without a mailbox speaks
of the mailbox that is selected. Whether a server is this one, and a user the one who asks, is not known here.
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
    r"(?:(?:imap:)?//(?:(?P<user>[^;:@/?#]+)?(?:;AUTH=[^;:@/?#]+)?@)?(?P<host>\[[0-9A-F:.]+\]|[^\[\];:@/?#]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?=/[^/;]))?"
    r"(?:/(?P<mailbox>[^/;?#]+(?:/[^/;?#]+)*)(?:;UIDVALIDITY=(?P<uidvalidity>[0-9]{1,10}))?/|/?)"
    r";UID=(?P<uid>[0-9]{1,10})"
    r"(?:/?;SECTION=(?P<section>[^;?#]+?))?(?:/?;PARTIAL=(?P<offset>[0-9]{1,19})(?:\.(?P<length>[0-9]{1,19}))?)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlServer:
    """The server of a URL, and who signs in there."""

    user: str | None
    host: str  # lower case; an IPv6 address without its brackets
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUrl:
    """A message, a section of it, or a stretch of that."""

    server: UrlServer | None  # None: the one that reads the URL
    mailbox: str | None  # None: the one that is selected
    uidvalidity: int | None
    uid: int
    section: Section
    partial: Partial | None


def parse_url(url: str) -> MessageUrl:
    """The place that a URL names; raises ImapSyntaxError when it names none."""
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
        server=_server(found),
        mailbox=None if found["mailbox"] is None else decode(found["mailbox"]),
        uidvalidity=int(uidvalidity) if uidvalidity else None,
        uid=int(uid),
        section=_decode_section(found["section"]),
        partial=partial,
    )


def _server(found: re.Match[str]) -> UrlServer | None:
    if found["host"] is None:
        return None
    user, port = found["user"], found["port"]
    return UrlServer(
        user=None if user is None else decode(user),
        host=found["host"].strip("[]").lower(),
        port=int(port) if port else None,
    )


def decode(raw: str) -> str:
    """A percent-encoded name."""
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeError:
        raise ImapSyntaxError("a name in the URL is not UTF-8") from None


def _decode_section(raw: str | None) -> Section:
    if raw is None:
        return Section()
    cursor = ImapCursor(b"[" + unquote_to_bytes(raw) + b"]")
    section = parse_section(cursor, has_text=True)
    cursor.expect_end()
    return section
