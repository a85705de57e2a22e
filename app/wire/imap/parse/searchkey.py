"""The keys of SEARCH as values (RFC 9051 §6.4.4, RFC 7162 §3.1.5, RFC 5032, RFC 8514, RFC 8474).

    search-key = "(" key *(SP key) ")" / "NOT" SP key / "OR" SP key SP key / sequence-set / "UID" SP sequence-set / ...

Keys next to each other must all match. There is no \\Recent here, so RECENT and NEW match nothing and OLD everything.
Nesting is bounded; the length of the command bounds everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from app.wire.imap.dates import parse_date
from app.wire.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, parse_flag
from app.wire.imap.sequence import SequenceSet, parse_set
from app.wire.imap.tokens import MAX_NUMBER, ImapCursor, astring, atom, keyword, number64, nz_number, space

MAX_DEPTH: Final = 50

_SET_START = re.compile(rb"[0-9*$]")
_MODSEQ_ENTRY = re.compile(rb'"/flags/(?:[^"\\\r\n\x00]|\\["\\])*" (?:priv|shared|all) ', re.IGNORECASE)


class TextIn(Enum):
    """Where a text is looked for."""

    FROM = "FROM"
    TO = "TO"
    CC = "CC"
    BCC = "BCC"
    SUBJECT = "SUBJECT"
    BODY = "BODY"
    TEXT = "TEXT"


class DateOf(Enum):
    """Which day of a message is compared."""

    INTERNALDATE = "internaldate"
    SENT = "sent"
    SAVED = "saved"


class Relation(Enum):
    """How a day compares with the given one; SINCE has the day itself in it."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """Messages that match every key."""

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Messages that match one key at least."""

    left: SearchKey
    right: SearchKey


@dataclass(frozen=True, slots=True)
class Not:
    """Messages that do not match."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class HasFlag:
    """Messages with this flag: a bit, or a keyword without one."""

    bit: int
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of a set: uids, or sequence numbers."""

    sequence: SequenceSet
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """Messages with this text in a place, in any case of letters."""

    place: TextIn
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """Messages with a field of this name that has the text in it; an empty text asks for the field only."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Dated:
    """Messages by day."""

    of: DateOf
    relation: Relation
    day: date


@dataclass(frozen=True, slots=True)
class Age:
    """Messages whose internaldate is at least (OLDER) or at most (YOUNGER) so long ago."""

    seconds: int
    is_older: bool


@dataclass(frozen=True, slots=True)
class Size:
    """Messages larger or smaller than a number of bytes."""

    size_bytes: int
    is_larger: bool


@dataclass(frozen=True, slots=True)
class Modseq:
    """Messages with this modseq or a higher one."""

    modseq: int


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Messages with this EMAILID, or in the thread with this THREADID."""

    objectid: str
    is_thread: bool


SearchKey = (
    All | And | Or | Not | HasFlag | Messages | Contains | Header | Dated | Age | Size | Modseq | ObjectId
)  # what `parse_keys` makes

_ALL: Final = All()
_NONE: Final = Not(_ALL)


@dataclass(slots=True)
class _Reading:
    """What keys need to know while they are read."""

    cursor: ImapCursor
    charset: str
    has_modseq: bool = False

    def text(self) -> str:
        """A text in the client's charset."""
        space(self.cursor)
        start = self.cursor.pos
        try:
            return astring(self.cursor, "text to search for").decode(self.charset)
        except UnicodeDecodeError:
            self.cursor.pos = start
            self.cursor.fail(f"text in {self.charset.upper()}")

    def number(self) -> int:
        """A number."""
        space(self.cursor)
        return number64(self.cursor)


def parse_keys(cursor: ImapCursor, charset: str) -> tuple[SearchKey, bool]:
    """One or more keys as one, and whether MODSEQ is among them."""
    reading = _Reading(cursor, charset)
    return _parse_list(reading, MAX_DEPTH), reading.has_modseq


def has_seqs(key: SearchKey) -> bool:
    """Whether a key names messages by sequence number; `$` does not."""
    if isinstance(key, Messages):
        return not key.uid and not key.sequence.is_saved
    if isinstance(key, And):
        return any(map(has_seqs, key.keys))
    if isinstance(key, Or):
        return has_seqs(key.left) or has_seqs(key.right)
    return isinstance(key, Not) and has_seqs(key.key)


def _parse_list(reading: _Reading, depth: int) -> SearchKey:
    keys = [_parse_key(reading, depth)]
    while reading.cursor.take(b" "):
        keys.append(_parse_key(reading, depth))
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def _parse_key(reading: _Reading, depth: int) -> SearchKey:
    cursor = reading.cursor
    if depth == 0:
        cursor.fail(f"keys nested no deeper than {MAX_DEPTH}")
    if cursor.take(b"("):
        key = _parse_list(reading, depth - 1)
        cursor.expect_bytes(b")", "a space or )")
        return key
    if _SET_START.match(cursor.data, cursor.pos):
        return Messages(parse_set(cursor))
    start = cursor.pos
    word = keyword(cursor, "a search key")
    if (constant := _CONSTANTS.get(word)) is not None:
        return constant
    if word == "NOT":
        space(cursor)
        return Not(_parse_key(reading, depth - 1))
    if word == "OR":
        return _parse_or(reading, depth - 1)
    if (parse := _WITH_ARGUMENT.get(word)) is None:
        cursor.pos = start
        cursor.fail("a search key such as ALL, UNSEEN or FROM")
    return parse(reading)


def _parse_or(reading: _Reading, depth: int) -> SearchKey:
    space(reading.cursor)
    left = _parse_key(reading, depth)
    space(reading.cursor)
    return Or(left, _parse_key(reading, depth))


def _parse_uid(reading: _Reading) -> SearchKey:
    space(reading.cursor)
    return Messages(parse_set(reading.cursor), uid=True)


def _parse_beside_uid(reading: _Reading, *, is_after: bool) -> SearchKey:
    space(reading.cursor)
    uid = nz_number(reading.cursor, "a uid")
    low, high = (uid + 1, MAX_NUMBER) if is_after else (1, uid - 1)
    return Messages(SequenceSet(((low, high),)), uid=True) if low <= high else _NONE


def _parse_header(reading: _Reading) -> SearchKey:
    space(reading.cursor)
    name = astring(reading.cursor, "the name of a field").decode("utf-8", "replace")
    return Header(name, reading.text())


def _parse_modseq(reading: _Reading) -> SearchKey:
    space(reading.cursor)
    reading.cursor.match(_MODSEQ_ENTRY)  # RFC 7162 §3.1.5: all entries share one modseq here
    reading.has_modseq = True
    return Modseq(number64(reading.cursor, "a modseq"))


def _parse_has_keyword(reading: _Reading) -> SearchKey:
    space(reading.cursor)
    if reading.cursor.starts_with(b"\\"):
        reading.cursor.fail("a keyword")
    bit, word = parse_flag(reading.cursor)
    return HasFlag(bit, word)


def _parse_age(reading: _Reading, *, is_older: bool) -> SearchKey:
    space(reading.cursor)
    return Age(nz_number(reading.cursor, "a number of seconds"), is_older)


def _parse_objectid(reading: _Reading, *, is_thread: bool) -> SearchKey:
    space(reading.cursor)
    return ObjectId(atom(reading.cursor, "an object id").decode("ascii"), is_thread)


_Parse = Callable[[_Reading], SearchKey]


def _dated(of: DateOf, relation: Relation) -> _Parse:
    def parse(reading: _Reading) -> SearchKey:
        space(reading.cursor)
        return Dated(of, relation, parse_date(reading.cursor))

    return parse


def _contains(place: TextIn) -> _Parse:
    return lambda reading: Contains(place, reading.text())


_CONSTANTS: Final[dict[str, SearchKey]] = {
    "ALL": _ALL,
    "OLD": _ALL,
    "NEW": _NONE,
    "RECENT": _NONE,
    "SAVEDATESUPPORTED": _ALL,
    **{
        name: key
        for word, bit in (
            ("ANSWERED", ANSWERED),
            ("DELETED", DELETED),
            ("DRAFT", DRAFT),
            ("FLAGGED", FLAGGED),
            ("SEEN", SEEN),
        )
        for name, key in ((word, HasFlag(bit)), (f"UN{word}", Not(HasFlag(bit))))
    },
}
_DATE_PREFIXES: Final = (("", DateOf.INTERNALDATE), ("SENT", DateOf.SENT), ("SAVED", DateOf.SAVED))
_WITH_ARGUMENT: Final[dict[str, _Parse]] = {
    "UID": _parse_uid,
    "UIDAFTER": lambda reading: _parse_beside_uid(reading, is_after=True),  # RFC 9738 §3.2
    "UIDBEFORE": lambda reading: _parse_beside_uid(reading, is_after=False),
    "HEADER": _parse_header,
    "MODSEQ": _parse_modseq,
    "KEYWORD": _parse_has_keyword,
    "UNKEYWORD": lambda reading: Not(_parse_has_keyword(reading)),
    "LARGER": lambda reading: Size(reading.number(), is_larger=True),
    "SMALLER": lambda reading: Size(reading.number(), is_larger=False),
    "OLDER": lambda reading: _parse_age(reading, is_older=True),
    "YOUNGER": lambda reading: _parse_age(reading, is_older=False),
    "EMAILID": lambda reading: _parse_objectid(reading, is_thread=False),
    "THREADID": lambda reading: _parse_objectid(reading, is_thread=True),
    **{place.value: _contains(place) for place in TextIn},
    **{prefix + relation.value: _dated(of, relation) for prefix, of in _DATE_PREFIXES for relation in Relation},
}
