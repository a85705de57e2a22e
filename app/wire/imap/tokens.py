"""The words of IMAP commands and responses: atoms, strings, numbers, lists (RFC 9051 §9).

    astring = 1*ASTRING-CHAR / string        string = quoted / literal
    literal = "{" number64 ["+"] "}" CRLF *CHAR8                 nstring = string / nil

A command is one run of bytes: its lines joined with its literals, without the last CRLF, as `server.py` collects
them. So a CRLF outside of a literal's data only follows a literal's announcement. Parsers return bytes, as only the
place of a string says what it is; `text` decodes those that are text. Writers choose the shortest form that every
client reads. Quoted strings may hold UTF-8: IMAP4rev2 has it so, and where IMAP4rev1 forbids it nobody is harmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, TypeVar

from app.errors import ImapSyntaxError, WireError
from app.wire.cursor import Cursor

MAX_NUMBER = 0xFFFFFFFF
MAX_NUMBER64 = 0x7FFFFFFFFFFFFFFF
MAX_QUOTED = 1024  # longer strings are written as literals, as some clients read lines into small buffers

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_LIST_CHARS = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_LITERAL = re.compile(rb"(~?)\{([0-9]{1,10})\+?\}\r\n")
_ESCAPED = re.compile(rb'\\(["\\])')
_TO_ESCAPE = re.compile(rb'(["\\])')
_NUMBER = re.compile(rb"[0-9]{1,19}(?![0-9])")
_NIL = re.compile(rb'nil(?![^\x00-\x20\x7f-\xff(){%*"\\])', re.IGNORECASE)
_QUOTABLE = re.compile(rb"[\x20-\x7e]*")  # with `"` and `\` escaped; anything else goes into a literal
_QUOTABLE_UTF8 = re.compile(rb"[^\x00-\x1f\x7f]*")

Value = TypeVar("Value")


class IncompleteLiteral(ImapSyntaxError):
    """The command ends where a literal's data should begin: what was announced is still to come."""


class ImapCursor(Cursor):
    """A position in a command; `utf8` says how its mailbox names are written (RFC 9051 §5.1, RFC 6855 §3)."""

    __slots__ = ("utf8",)

    error: ClassVar[type[WireError]] = ImapSyntaxError

    def __init__(self, data: bytes, *, utf8: bool = False) -> None:
        super().__init__(data)
        self.utf8 = utf8


def space(cursor: ImapCursor) -> None:
    """The one space between two words."""
    cursor.expect_bytes(b" ", "a space")


def atom(cursor: ImapCursor, wanted: str = "an atom") -> bytes:
    """A word without special characters."""
    return cursor.expect(_ATOM, wanted)


def keyword(cursor: ImapCursor, wanted: str) -> str:
    """An atom that is a word of the protocol, in upper case."""
    return cursor.expect(_ATOM, wanted).decode("ascii").upper()


def astring(cursor: ImapCursor, wanted: str = "a string") -> bytes:
    """A word or string."""
    if found := cursor.match(_ASTRING):
        return found[0]
    return string(cursor, wanted)


def list_mailbox(cursor: ImapCursor) -> bytes:
    """A pattern for LIST: a word that may hold wildcards, or a string."""
    if found := cursor.match(_LIST_CHARS):
        return found[0]
    return string(cursor, "a mailbox pattern")


def string(cursor: ImapCursor, wanted: str = "a string") -> bytes:
    """A quoted string or literal."""
    if found := cursor.match(_QUOTED):
        raw = found[1]
        return _ESCAPED.sub(rb"\1", raw) if b"\\" in raw else raw
    if found := cursor.match(_LITERAL):
        return _literal_data(cursor, int(found[2]), binary=bool(found[1]))
    cursor.fail(wanted)


def nstring(cursor: ImapCursor, wanted: str = "a string or NIL") -> bytes | None:
    """A string, or None for NIL."""
    return None if cursor.match(_NIL) else string(cursor, wanted)


def is_nil(cursor: ImapCursor) -> bool:
    """Pass over NIL if it comes next; whether it did."""
    return cursor.match(_NIL) is not None


def _literal_data(cursor: ImapCursor, size: int, *, binary: bool) -> bytes:
    data = cursor.data[cursor.pos : cursor.pos + size]
    if len(data) < size:
        raise IncompleteLiteral(f"expected {size} bytes of a literal", cursor.pos)
    if not binary and b"\x00" in data:  # RFC 9051 §4.3: only literal8 carries NUL
        cursor.fail("a literal without NUL")
    cursor.pos += size
    return data


def text(raw: bytes, what: str) -> str:
    """A string that is text, which is UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ImapSyntaxError(f"{what} is not valid UTF-8") from error


def number(cursor: ImapCursor, wanted: str = "a number") -> int:
    """A number of 32 bits."""
    return _bounded(cursor, MAX_NUMBER, wanted)


def nz_number(cursor: ImapCursor, wanted: str = "a number from 1") -> int:
    """A number of 32 bits that is not 0."""
    start = cursor.pos
    value = _bounded(cursor, MAX_NUMBER, wanted)
    if value == 0:
        cursor.pos = start
        cursor.fail(wanted)
    return value


def number64(cursor: ImapCursor, wanted: str = "a number") -> int:
    """A number of 63 bits, such as a modseq (RFC 7162 §7)."""
    return _bounded(cursor, MAX_NUMBER64, wanted)


def _bounded(cursor: ImapCursor, largest: int, wanted: str) -> int:
    start = cursor.pos
    value = int(cursor.expect(_NUMBER, wanted))
    if value > largest:
        cursor.pos = start
        cursor.fail(f"{wanted} up to {largest}")
    return value


def parenthesized(cursor: ImapCursor, item: Callable[[ImapCursor], Value], wanted: str) -> list[Value]:
    """The values between parentheses, separated by single spaces; there may be none."""
    cursor.expect_bytes(b"(", wanted)
    values: list[Value] = []
    while not cursor.take(b")"):
        if values:
            cursor.expect_bytes(b" ", "a space or )")
        values.append(item(cursor))
    return values


def write_quoted(raw: bytes) -> bytes:
    """A quoted string; `raw` holds no control characters."""
    return b'"' + _TO_ESCAPE.sub(rb"\\\1", raw) + b'"' if b'"' in raw or b"\\" in raw else b'"' + raw + b'"'


def write_literal(raw: bytes) -> bytes:
    """A literal."""
    return b"{%d}\r\n%b" % (len(raw), raw)


def write_string(raw: bytes, *, utf8: bool = False) -> bytes:
    """A quoted string where that can be, else a literal."""
    if len(raw) <= MAX_QUOTED and (_QUOTABLE_UTF8 if utf8 else _QUOTABLE).fullmatch(raw):
        return write_quoted(raw)
    return write_literal(raw)


def write_nstring(raw: bytes | None, *, utf8: bool = False) -> bytes:
    """A string, or NIL for None."""
    return b"NIL" if raw is None else write_string(raw, utf8=utf8)


def write_astring(raw: bytes, *, utf8: bool = False) -> bytes:
    """A bare word where that can be, else a string. NIL is quoted, as it is a word with a meaning."""
    if _ASTRING.fullmatch(raw) and raw.upper() != b"NIL":
        return raw
    return write_string(raw, utf8=utf8)
