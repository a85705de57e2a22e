"""GENURLAUTH, URLFETCH, RESETKEY, and the URLs that they are about (RFC 4467, RFC 5092 §6.1, RFC 5524).

    rump       = url [";EXPIRE=" date-time] ";URLAUTH=" access
    access     = "submit+" user / "user+" user / "authuser" / "anonymous"
    authorized = rump ":" mechanism ":" token
    genurlauth = "GENURLAUTH" 1*(SP rump SP mechanism)
    urlfetch   = "URLFETCH" 1*(SP (authorized / "(" authorized *(SP ("BODY" / "BINARY" / "BODYPARTSTRUCTURE")) ")"))
    resetkey   = "RESETKEY" [SP mailbox *(SP mechanism)]

The URL of a rump is absolute and has a user, who owns the mailbox and its key. A token is made over the bytes of the
rump as they are, so a URL that is written in another way is another URL. A URL to fetch that cannot be read is no error
of the command: it has no data, like one whose token is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command
from app.wire.imap.mailboxname import parse_mailbox
from app.wire.imap.parse.url import MAX_URL, MessageUrl, decode, parse_url
from app.wire.imap.tokens import ImapCursor, astring, atom, keyword, space, text

MECHANISM: Final = "INTERNAL"
MAX_URLS: Final = 100  # of one command
MAX_MECHANISMS: Final = 10
_AUTHORIZATION = re.compile(
    r"(?:;EXPIRE=(?P<expire>[^;/?#]{1,40}))?;URLAUTH=(?P<access>[a-z]+)(?:\+(?P<user>[^;:@/?#]+))?"
    r"(?::(?P<mechanism>[A-Za-z0-9.-]{1,32}):(?P<token>[0-9A-Fa-f]{32,256}))?",
    re.IGNORECASE | re.ASCII,
)
_START = re.compile(r";(?:EXPIRE|URLAUTH)=", re.IGNORECASE | re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


class Access(Enum):
    """Who may fetch what a URL names."""

    SUBMIT = "submit"  # a submission server on behalf of the user
    USER = "user"
    AUTHUSER = "authuser"  # whoever has signed in
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedUrl:
    """A URL that may be used by those who have it, as far as its access goes; without a token it is a rump."""

    owner: str  # the user of the URL
    place: MessageUrl
    rump: str  # what the token is made over
    expire: int | None  # seconds since 1970
    access: Access
    user: str  # of SUBMIT and USER
    token: str  # "" of a rump


class Form(Enum):
    """In which form to fetch (RFC 5524 §4)."""

    BODY = "BODY"
    BINARY = "BINARY"  # without its transfer encoding
    BODYPARTSTRUCTURE = "BODYPARTSTRUCTURE"


@dataclass(frozen=True, slots=True)
class UrlToFetch:
    """A URL as the client wrote it, what it says if that can be understood, and in which forms to fetch it."""

    raw: bytes
    url: AuthorizedUrl | None
    forms: tuple[Form, ...] | None  # None: the old answer, which is the data alone


@dataclass(frozen=True, slots=True)
class GenurlauthCommand(Command):
    """Give URLs a token."""

    rumps: tuple[AuthorizedUrl, ...]


@dataclass(frozen=True, slots=True)
class UrlfetchCommand(Command):
    """Data of URLs that have a token."""

    urls: tuple[UrlToFetch, ...]


@dataclass(frozen=True, slots=True)
class ResetkeyCommand(Command):
    """Make every token of a mailbox, or of all, worthless."""

    mailbox: str | None


def parse_authorized_url(url: str) -> AuthorizedUrl:
    """A rump or an authorized URL; raises ImapSyntaxError."""
    start = _START.search(url) if len(url) <= MAX_URL else None
    found = _AUTHORIZATION.fullmatch(url, start.start()) if start else None
    if found is None:
        raise ImapSyntaxError("not a URL with ;URLAUTH=, such as imap://you@host/Inbox/;UID=1;URLAUTH=authuser")
    place = parse_url(url[: found.start()])
    if place.server is None or place.server.user is None:
        raise ImapSyntaxError("the URL has to name a user and a server")
    access, user = _access(found["access"], found["user"])
    if (found["mechanism"] or MECHANISM).upper() != MECHANISM:
        raise ImapSyntaxError(f"the mechanism of a URL is {MECHANISM}")
    return AuthorizedUrl(
        owner=place.server.user,
        place=place,
        rump=url[: found.start("mechanism") - 1] if found["mechanism"] else url,
        expire=None if found["expire"] is None else _parse_time(found["expire"]),
        access=access,
        user=user,
        token=(found["token"] or "").lower(),
    )


def _access(word: str, user: str | None) -> tuple[Access, str]:
    try:
        access = Access(word.lower())
    except ValueError:
        raise ImapSyntaxError("the access of a URL is submit+, user+, authuser or anonymous") from None
    if (access in (Access.SUBMIT, Access.USER)) != (user is not None):
        raise ImapSyntaxError("submit+ and user+ name a user, the others do not")
    return access, decode(user or "")


def _parse_time(raw: str) -> int:
    try:
        return int(datetime.fromisoformat(raw.upper() if _DATE_TIME.fullmatch(raw) else "").timestamp())
    except (ValueError, OverflowError):
        raise ImapSyntaxError("EXPIRE has a time such as 2030-02-01T12:00:00Z") from None


def parse_genurlauth(cursor: ImapCursor, tag: str) -> GenurlauthCommand:
    """GENURLAUTH."""
    rumps: list[AuthorizedUrl] = []
    while not rumps or not cursor.is_at_end:
        if len(rumps) >= MAX_URLS:
            cursor.fail(f"at most {MAX_URLS} URLs")
        space(cursor)
        url = parse_authorized_url(text(astring(cursor, "a URL"), "a URL"))
        space(cursor)
        if url.token or keyword(cursor, "a mechanism") != MECHANISM:
            cursor.fail(f"a URL without a token, and the mechanism {MECHANISM}")
        rumps.append(url)
    return GenurlauthCommand(tag, tuple(rumps))


def parse_urlfetch(cursor: ImapCursor, tag: str) -> UrlfetchCommand:
    """URLFETCH."""
    urls: list[UrlToFetch] = []
    while not urls or not cursor.is_at_end:
        if len(urls) >= MAX_URLS:
            cursor.fail(f"at most {MAX_URLS} URLs")
        space(cursor)
        urls.append(_parse_extended(cursor) if cursor.take(b"(") else _to_fetch(astring(cursor, "a URL"), None))
    return UrlfetchCommand(tag, tuple(urls))


def _parse_extended(cursor: ImapCursor) -> UrlToFetch:
    raw = astring(cursor, "a URL")
    forms: list[Form] = []
    while not cursor.take(b")"):
        space(cursor)
        word = keyword(cursor, "BODY, BINARY or BODYPARTSTRUCTURE")
        if word not in Form.__members__ or Form(word) in forms:
            cursor.fail("BODY, BINARY or BODYPARTSTRUCTURE, each once")
        forms.append(Form(word))
    if Form.BODY in forms and Form.BINARY in forms:
        cursor.fail("BODY or BINARY, not both")
    return _to_fetch(raw, tuple(forms))


def _to_fetch(raw: bytes, forms: tuple[Form, ...] | None) -> UrlToFetch:
    try:
        url = parse_authorized_url(text(raw, "a URL"))
    except ImapSyntaxError:
        return UrlToFetch(raw, None, forms)
    return UrlToFetch(raw, url if url.token else None, forms)


def parse_resetkey(cursor: ImapCursor, tag: str) -> ResetkeyCommand:
    """RESETKEY; the only mechanism there is may be named."""
    if cursor.is_at_end:
        return ResetkeyCommand(tag, None)
    space(cursor)
    mailbox = parse_mailbox(cursor)
    count = 0
    while not cursor.is_at_end:
        space(cursor)
        count += 1
        if count > MAX_MECHANISMS or atom(cursor, "a mechanism").upper() != MECHANISM.encode():
            cursor.fail(f"no mechanism but {MECHANISM}")
    return ResetkeyCommand(tag, mailbox)
