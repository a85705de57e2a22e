"""Which messages of a mailbox match a search key: the exact answer of IMAP SEARCH (RFC 9051 §6.4.4).

Keys about flags, sizes, dates and numbers are answered from the narrow message rows; keys about the usual header fields
from the ready fields; only the rest reads and decodes messages. Of keys about text the word index (`searchindex.py`)
leaves few messages to look at; the answer is the same without it, and where few messages can match it is not asked.
Keys that stand together are tried cheapest first. Text is compared without regard to case, on what transfer encodings,
charsets and encoded words stand for. Runs on a reader.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from app.clock import utc
from app.store.account.objectids import THREAD_OF_CONTENT, Kind, number_of
from app.store.account.prepare import LIST_FIELDS
from app.store.account.progress import Progress
from app.store.account.reader import MessageBytes, read_message
from app.store.account.searchindex import Lookup, Place, look_up
from app.wire.imap.parse.searchkey import (
    Age,
    All,
    And,
    Contains,
    Dated,
    DateOf,
    HasFlag,
    Header,
    Messages,
    Modseq,
    Not,
    ObjectId,
    Or,
    Relation,
    SearchKey,
    Size,
    TextIn,
)
from app.wire.message.addresses import address_text
from app.wire.message.dates import parse_date
from app.wire.message.decode import header_text, search_text, value_text
from app.wire.message.header import find_field, find_fields

_COLUMNS = "uid, flags, keywords, modseq, size_bytes, internaldate, savedate, content_id"
_READY_FIELDS = frozenset(LIST_FIELDS)
_FIELD_NAME = re.compile(r"[!-9;-~]+")
MANY = 2000  # contents that are looked up one by one; for more, all rows are read
SOME = 200  # uids, the same; a mailbox that is not much larger is read as quickly
FEW = 20  # messages that are read sooner than the word index
DAY_S = 86400
ZONES_S = 25 * 3600  # no zone is a whole day away from UTC


Lookups = dict[SearchKey, Lookup | None]  # what the word index knows about texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search over the messages that a client knows."""

    mailbox_id: int
    key: SearchKey
    view: Sequence[int]  # the client's uids, sorted; sequence numbers count in it
    saved: Sequence[int] = ()  # "$"
    now: int = 0  # seconds since 1970
    progress: Progress | None = None  # where to count
    lookups: Lookups | None = None  # shared by searches of one read


@dataclass(frozen=True, slots=True)
class Match:
    """A message that matches."""

    uid: int
    modseq: int


class Candidate:
    """A message as the keys look at it; what is costly is read when first asked for."""

    def __init__(
        self, db: sqlite3.Connection, msg_dir: Path, row: tuple[int, int, str, int, int, int, int, int]
    ) -> None:
        self._db = db
        self._msg_dir = msg_dir
        (
            self.uid,
            self.flags,
            self.keywords,
            self.modseq,
            self.size,
            self.internaldate,
            self.savedate,
            self.content_id,
        ) = row

    @cached_property
    def fields(self) -> bytes:
        """The ready header fields, or the whole header where they were too long to keep."""
        row = self._db.execute("SELECT list_fields FROM content WHERE id = ?", (self.content_id,)).fetchone()
        return (row and row[0]) or self.header

    @cached_property
    def header(self) -> bytes:
        """The whole header section."""
        return self.message.header() if self.message else b""

    @cached_property
    def message(self) -> MessageBytes | None:
        """The bytes; None when they were erased meanwhile."""
        return read_message(self._db, self._msg_dir, self.content_id)

    @cached_property
    def sent(self) -> date | None:
        """The day in the Date field, as its writer saw it (RFC 9051 §6.4.4: time and zone do not count)."""
        moment = parse_date(find_field(self.fields, "Date") or "")
        return moment.date() if moment else None

    def is_named(self, key: ObjectId) -> bool:
        """Whether the object id is that of this message, or of its thread."""
        if not key.is_thread:
            is_likely = key.objectid.startswith(f"{Kind.EMAIL.value}{self.content_id}-")  # cheap, and mostly not
            return is_likely and self.content_id == number_of(key.objectid, Kind.EMAIL, self._db)
        query = f"SELECT {THREAD_OF_CONTENT} FROM content c WHERE c.id = ?"
        row = self._db.execute(query, (self.content_id,)).fetchone()
        return row is not None and row[0] == number_of(key.objectid, Kind.THREAD, self._db)

    def values(self, name: str) -> list[str]:
        """The decoded values of the fields of that name."""
        source = self.fields if name.lower() in _READY_FIELDS else self.header
        return [value_text(value) for value in find_fields(source, name)]

    def addresses(self, name: str) -> list[str]:
        """The addresses in the fields of that name, as an ENVELOPE has them."""
        return [address_text(value) for value in find_fields(self.fields, name)]

    def texts(self, *, with_header: bool) -> Iterable[str]:
        """The decoded texts that BODY and TEXT look into."""
        if self.message is None:
            return
        if with_header and self.message.prefix:
            yield header_text(self.message.prefix)
        yield from search_text(self.message.body, self.message.root, with_header)


Test = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class _Test:
    """A test and roughly what it costs: 0 the row, 1 ready fields, 2 the header, 3 the text."""

    run: Test
    cost: int = 0
    among: frozenset[int] | None = None  # no content but these can pass


def find_matches(db: sqlite3.Connection, msg_dir: Path, search: Search) -> list[Match]:
    """The matching messages by uid."""
    compiled = _compile(db, search.key, search)
    test, known = compiled.run, set(search.view)
    found: list[Match] = []
    rows = _rows(db, search, compiled.among)
    for row in rows if search.progress is None else search.progress.count(rows):
        if row[0] in known and test(candidate := Candidate(db, msg_dir, row)):
            found.append(Match(candidate.uid, candidate.modseq))
    return found


def _rows(db: sqlite3.Connection, search: Search, among: frozenset[int] | None) -> list[tuple[Any, ...]]:
    """The messages by uid that can match: all of the mailbox, or fewer where few contents or uids can."""
    select, mailbox_id = f"SELECT {_COLUMNS} FROM message WHERE", search.mailbox_id
    if among is not None and len(among) <= min(MANY, len(search.view)):
        # The plus keeps SQLite from going through the whole mailbox.
        return sorted(_chosen(db, f"{select} +mailbox_id = ? AND content_id IN", mailbox_id, sorted(among)))
    if len(search.view) <= SOME:
        rows = sorted(_chosen(db, f"{select} mailbox_id = ? AND uid IN", mailbox_id, search.view))
    else:
        rows = db.execute(f"{select} mailbox_id = ? ORDER BY uid", (mailbox_id,)).fetchall()
    return rows if among is None else [row for row in rows if row[-1] in among]


def _chosen(db: sqlite3.Connection, query: str, mailbox_id: int, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        rows += db.execute(f"{query} ({','.join('?' * len(some))})", (mailbox_id, *some)).fetchall()
    return rows


def _compile(db: sqlite3.Connection, key: SearchKey, search: Search) -> _Test:
    if isinstance(key, And):
        tests = [_compile(db, inner, search) for inner in key.keys]
        return _all_of(sorted(tests, key=lambda test: test.cost))
    if isinstance(key, Or):
        return _either(_compile(db, key.left, search), _compile(db, key.right, search))
    if isinstance(key, Not):
        inner = _compile(db, key.key, search)
        return _Test(lambda m: not inner.run(m), inner.cost)
    if isinstance(key, Messages):
        return _in_set(key, search)
    if isinstance(key, Contains | Header):
        return _indexed(_text_test(key), _lookup_of(db, key, search), key)
    if isinstance(key, Dated) and key.of is DateOf.SENT and len(search.view) > FEW:
        return _sent_test(db, key, search.mailbox_id)
    return _row_test(key, search)


def _either(one: _Test, other: _Test) -> _Test:
    left, right = sorted((one, other), key=lambda test: test.cost)
    among = None if left.among is None or right.among is None else left.among | right.among
    return _Test(lambda m: left.run(m) or right.run(m), right.cost, among)


def _lookup_of(db: sqlite3.Connection, key: Contains | Header, search: Search) -> Lookup | None:
    """What the word index knows, if it is worth asking."""
    if search.lookups is None:
        return _lookup(db, key) if len(search.view) > FEW else None
    if key not in search.lookups:
        search.lookups[key] = _lookup(db, key)
    return search.lookups[key]


def _lookup(db: sqlite3.Connection, key: Contains | Header) -> Lookup | None:
    """What the word index knows; None when the key has to be tried on every message."""
    if isinstance(key, Header):
        return look_up(db, key.text, (Place.HEADER,)) if _FIELD_NAME.fullmatch(key.name) else None
    places = {TextIn.BODY: (Place.BODY,), TextIn.TEXT: (Place.HEADER, Place.BODY)}
    return look_up(db, key.text, places.get(key.place, (Place.HEADER,)))


def _indexed(test: _Test, lookup: Lookup | None, key: Contains | Header) -> _Test:
    if lookup is None:
        return test
    among = lookup.candidates()
    if lookup.is_exact and isinstance(key, Contains) and key.place in (TextIn.BODY, TextIn.TEXT):
        found, run = lookup.found, test.run
        return _Test(lambda m: m.content_id in found or (m.content_id in among and run(m)), test.cost, among)
    return _Test(lambda m: m.content_id in among and test.run(m), test.cost, among)


def _all_of(tests: list[_Test]) -> _Test:
    runs = [test.run for test in tests]
    known = [test.among for test in tests if test.among is not None]
    among = frozenset.intersection(*known) if known else None
    return _Test(lambda m: all(run(m) for run in runs), tests[-1].cost, among)


def _in_set(key: Messages, search: Search) -> _Test:
    if key.sequence.is_saved:
        wanted = frozenset(search.saved)
    else:
        view = search.view
        spans = key.sequence.uid_spans(view) if key.uid else key.sequence.seq_spans(len(view), strict=False)
        wanted = frozenset(uid for span in spans for uid in view[span.start : span.stop])
    return _Test(lambda m: m.uid in wanted)


def _row_test(key: SearchKey, search: Search) -> _Test:
    """Keys that the message row answers."""
    if isinstance(key, All):
        return _Test(lambda m: True)
    if isinstance(key, HasFlag):
        if key.keyword:
            return _Test(lambda m: key.keyword in m.keywords.split())
        return _Test(lambda m: bool(m.flags & key.bit))
    if isinstance(key, Size):
        return _Test(lambda m: m.size > key.size_bytes if key.is_larger else m.size < key.size_bytes)
    if isinstance(key, Modseq):
        return _Test(lambda m: m.modseq >= key.modseq)
    if isinstance(key, Age):
        limit = search.now - key.seconds
        return _Test(lambda m: m.internaldate <= limit if key.is_older else m.internaldate >= limit)
    if isinstance(key, Dated):
        return _dated(key)
    assert isinstance(key, ObjectId)
    return _Test(lambda m: m.is_named(key), 1)


def _dated(key: Dated) -> _Test:
    day_of: dict[DateOf, Callable[[Candidate], date | None]] = {
        DateOf.INTERNALDATE: lambda m: utc(m.internaldate).date(),
        DateOf.SAVED: lambda m: utc(m.savedate).date(),
        DateOf.SENT: lambda m: m.sent,
    }
    compare: dict[Relation, Callable[[date], bool]] = {
        Relation.BEFORE: lambda day: day < key.day,
        Relation.ON: lambda day: day == key.day,
        Relation.SINCE: lambda day: day >= key.day,
    }
    get, holds = day_of[key.of], compare[key.relation]
    return _Test(lambda m: (day := get(m)) is not None and holds(day), 1 if key.of is DateOf.SENT else 0)


def _sent_test(db: sqlite3.Connection, key: Dated, mailbox_id: int) -> _Test:
    """The same as `_dated`, but only where the moment is near the day does the writer's own zone decide."""
    start = int(datetime(key.day.year, key.day.month, key.day.day, tzinfo=UTC).timestamp())
    query = "SELECT c.id, sent FROM message m JOIN content c ON c.id = content_id WHERE mailbox_id = ? AND sent "
    surely: frozenset[int] = frozenset()
    if key.relation is Relation.SINCE:
        rows = db.execute(f"{query} >= ?", (mailbox_id, start - ZONES_S)).fetchall()
        surely = frozenset(content for content, sent in rows if sent >= start + ZONES_S)
    elif key.relation is Relation.BEFORE:
        rows = db.execute(f"{query} < ?", (mailbox_id, start + ZONES_S)).fetchall()
        surely = frozenset(content for content, sent in rows if sent < start - ZONES_S)
    else:
        rows = db.execute(f"{query} BETWEEN ? AND ?", (mailbox_id, start - ZONES_S, start + DAY_S + ZONES_S)).fetchall()
    among, decide = frozenset(content for content, _ in rows), _dated(key).run
    return _Test(lambda m: m.content_id in surely or (m.content_id in among and decide(m)), 1, among)


def _text_test(key: Contains | Header) -> _Test:
    wanted = key.text.casefold()
    if isinstance(key, Header):
        name = key.name
        cost = 1 if name.lower() in _READY_FIELDS else 2
        return _Test(lambda m: any(wanted in value.casefold() for value in m.values(name)), cost)
    if key.place in (TextIn.BODY, TextIn.TEXT):
        with_header = key.place is TextIn.TEXT
        return _Test(lambda m: any(wanted in text.casefold() for text in m.texts(with_header=with_header)), 3)
    field = key.place.value
    in_value = _Test(lambda m: any(wanted in value.casefold() for value in m.values(field)), 1)
    if key.place is TextIn.SUBJECT:
        return in_value
    # As it is written, and as the envelope has it (RFC 9051 §6.4.4): without comments.
    in_address = _Test(lambda m: any(wanted in text.casefold() for text in m.addresses(field)), 1)
    return _either(in_value, in_address)
