"""What another server answers, read by us as its client: statuses, LIST, NAMESPACE, FETCH (RFC 3501 §7, RFC 9051 §7).

A response is one run of bytes: its lines joined with their literals, without the last CRLF. Reading is generous where
servers are known to be careless (flags that are no flags, dates that are none, names in the wrong coding) and strict
where the meaning is at stake. It is linear, and nesting is bounded. What cannot be understood raises ImapSyntaxError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from app.errors import ImapSyntaxError
from app.wire.imap import modutf7
from app.wire.imap.dates import parse_date_time
from app.wire.imap.flags import NO_FLAGS, FlagSet, flagset
from app.wire.imap.tokens import ImapCursor, write_quoted

Value: TypeAlias = "bytes | list[Value] | None"

MAX_DEPTH: Final = 32
MAX_TEXT: Final = 300  # characters of what a server says that a person gets to see

_STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?: +\[([^\] ]{1,60}) *([^\]]*)\])?[ ]*", re.IGNORECASE)
_TOKEN = re.compile(
    rb'([ ]+)|([()])|"([^"\\]*(?:\\.[^"\\]*)*)"|~?\{([0-9]{1,10})\+?\}\r\n|([^\x00-\x20()"]+)', re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_UNTAGGED = re.compile(rb"\* (?:([0-9]{1,10}) )?([A-Za-z]+) ?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]+")
# Words of mail programs for what has a registered keyword.
_OTHER_WORDS: Final = {b"junk": b"$Junk", b"nonjunk": b"$NotJunk", b"notjunk": b"$NotJunk", b"forwarded": b"$Forwarded"}


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH with its code, such as UIDVALIDITY, and what the code says."""

    word: str
    code: str
    argument: bytes
    text: str

    @property
    def is_ok(self) -> bool:
        """Whether it was done."""
        return self.word == "OK"


@dataclass(frozen=True, slots=True)
class Untagged:
    """An untagged response: its word in upper case, the number before it, and where in it the rest begins."""

    word: str
    number: int
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A mailbox of LIST: its name as the server writes it, which is how it is asked for, and for people."""

    raw: bytes
    name: str
    separator: str  # "" where there are no levels
    attributes: frozenset[str]  # in lower case, such as \\noselect


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where mailboxes of a kind begin (RFC 2342)."""

    prefix: str
    separator: str


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The holder's own mailboxes, and those of others."""

    personal: tuple[Namespace, ...] = ()
    foreign: tuple[Namespace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What FETCH says of a message; what it did not say is 0 or None."""

    uid: int
    size: int = 0
    flags: FlagSet = NO_FLAGS
    internaldate: int | None = None
    gmail_id: int = 0
    body: bytes | None = None


def parse_status(response: bytes, start: int) -> Status | None:
    """The status that begins at `start`; None when it is something else."""
    found = _STATUS.match(response, start)
    if found is None:
        return None
    code = (found[2] or b"").decode("ascii", "replace").upper()
    return Status(found[1].decode().upper(), code, found[3] or b"", readable(response[found.end() :]))


def readable(raw: bytes) -> str:
    """What a server says, as a line for people."""
    return _UNPRINTABLE.sub(" ", raw[: 4 * MAX_TEXT].decode("utf-8", "replace")).strip()[:MAX_TEXT]


def parse_untagged(response: bytes) -> Untagged | None:
    """The head of an untagged response; None when it is none."""
    found = _UNTAGGED.match(response)
    if found is None:
        return None
    return Untagged(found[2].decode().upper(), int(found[1] or 0), found.end())


def read_values(data: bytes, start: int = 0) -> list[Value]:
    """All values from `start` to the end: lists, strings and words, None for NIL."""
    stack: list[list[Value]] = [[]]
    at = start
    while at < len(data):
        found = _TOKEN.match(data, at)
        if found is None:
            raise ImapSyntaxError("response cannot be read", at)
        at = found.end()
        if found[5] is not None:
            stack[-1].append(None if found[5].upper() == b"NIL" else found[5])
        elif found[2] == b"(":
            if len(stack) > MAX_DEPTH:
                raise ImapSyntaxError("response is nested too deep", at)
            stack.append([])
        elif found[2] is not None:
            if len(stack) == 1:
                raise ImapSyntaxError("response closes a list that it did not open", at)
            done = stack.pop()
            stack[-1].append(done)
        elif found[3] is not None:
            stack[-1].append(_ESCAPED.sub(rb"\1", found[3]) if b"\\" in found[3] else found[3])
        elif found[4] is not None:
            at += int(found[4])
            if at > len(data):
                raise ImapSyntaxError("response ends within a literal", at)
            stack[-1].append(data[found.end() : at])
    if len(stack) > 1:
        raise ImapSyntaxError("response ends within a list", at)
    return stack[0]


def parse_listed(response: bytes, start: int) -> Listed:
    """What follows LIST (RFC 9051 §7.3.1); some servers write a name that is a number, or NIL, without quotes."""
    values = read_values(response, start)
    if len(values) < 3 or not isinstance(values[0], list) or isinstance(values[1], list):
        raise ImapSyntaxError("LIST response without attributes, separator and name")
    raw = values[2] if values[2] is not None else b"NIL"
    if isinstance(raw, list):
        raise ImapSyntaxError("LIST response without a name")
    attributes = frozenset(one.decode("ascii", "replace").lower() for one in values[0] if isinstance(one, bytes))
    separator = (values[1] or b"").decode("latin-1")[:1]
    return Listed(raw=raw, name=decode_name(raw), separator=separator, attributes=attributes)


def decode_name(raw: bytes) -> str:
    """A mailbox name in modified UTF-7, or in what servers write instead of it."""
    try:
        return modutf7.decode(raw)
    except ImapSyntaxError:
        pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def parse_namespaces(response: bytes, start: int) -> Namespaces:
    """What follows NAMESPACE (RFC 2342 §5)."""
    values = [*read_values(response, start), None, None, None]
    return Namespaces(_namespaces(values[0]), (*_namespaces(values[1]), *_namespaces(values[2])))


def _namespaces(value: Value) -> tuple[Namespace, ...]:
    found = []
    for one in value if isinstance(value, list) else ():
        if isinstance(one, list) and len(one) >= 2 and isinstance(one[0], bytes) and not isinstance(one[1], list):
            found.append(Namespace(decode_name(one[0]), (one[1] or b"").decode("latin-1")[:1]))
    return tuple(found)


def parse_fetched(response: bytes, start: int) -> Fetched:
    """What follows FETCH; items nobody asked for are passed over. Without a UID it is about nothing: uid 0."""
    values = read_values(response, start)
    if not values or not isinstance(values[0], list):
        raise ImapSyntaxError("FETCH response without a list")
    names, items = values[0][::2], values[0][1::2]
    by_name = {name.upper(): item for name, item in zip(names, items, strict=False) if isinstance(name, bytes)}
    body = by_name.get(b"BODY[]")
    return Fetched(
        uid=_number(by_name.get(b"UID")),
        size=_number(by_name.get(b"RFC822.SIZE")),
        flags=_flags(by_name.get(b"FLAGS")),
        internaldate=_moment(by_name.get(b"INTERNALDATE")),
        gmail_id=_number(by_name.get(b"X-GM-MSGID")),
        body=body if isinstance(body, bytes) else None,
    )


def _number(value: Value) -> int:
    found = int(value) if isinstance(value, bytes) and len(value) <= 20 and value.isdigit() else 0
    return found if found < 1 << 64 else 0


def _flags(value: Value) -> FlagSet:
    words = [_OTHER_WORDS.get(word.lower(), word) for word in value or () if isinstance(word, bytes)]
    return flagset(b" ".join(words).decode("utf-8", "replace"))


def _moment(value: Value) -> int | None:
    if not isinstance(value, bytes):
        return None
    try:
        return parse_date_time(ImapCursor(write_quoted(value)))
    except ImapSyntaxError:
        return None


def capabilities(words: Sequence[bytes]) -> frozenset[str]:
    """The words of CAPABILITY, in upper case."""
    return frozenset(word.decode("ascii", "replace").upper() for word in words)
