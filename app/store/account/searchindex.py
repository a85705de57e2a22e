"""The word index of an account: which messages can have a text, without reading them.

Contents are indexed in the order of their numbers, some hundred at a time, in segments that never change: one row says
which contents it is about, two more hold the words of their headers and of their bodies (`wire/message/words`). Content
numbers only grow, so everything up to the last segment is indexed, and what came after it is looked at by whoever
searches, as are the few contents that cannot be indexed. What was erased meanwhile does no harm: nobody asks for it. A
segment all of which was erased goes when the next one is made.

Segments of another form, such as those of an older Unicode version, count as absent.
"""

from __future__ import annotations

import sqlite3
from array import array
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.store.account.reader import MessageBytes, read_message
from app.wire.message.decode import header_text, header_texts, search_text
from app.wire.message.part import MAX_HEADER
from app.wire.message.words import FORM, Builder, Columns, Needle, find_documents, needle_of, words_of

SEGMENT = 512  # contents
PIECE = 64  # contents read in one go, so that the thread that reads is free again soon
MAX_BODY = 4 << 20  # bytes; what is larger is looked at by whoever searches


class Place(Enum):
    """Where words were found."""

    HEADER = 0  # with the fields that delivery put in front, and those of parts
    BODY = 1  # what SEARCH BODY looks into


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What the index knows about a text."""

    found: frozenset[int]  # contents that can have it
    unknown: frozenset[int]  # contents that are not indexed
    is_exact: bool  # whether those that can have it do

    def candidates(self) -> frozenset[int]:
        """All that need be looked at."""
        return self.found | self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A finished segment."""

    after: int  # the content that was the last one in the index
    contents: array[int]
    open: array[int]  # those of them that are not indexed
    columns: dict[Place, Columns]


def look_up(db: sqlite3.Connection, text: str, places: tuple[Place, ...]) -> Lookup | None:
    """What is known about a text; None when the text has no word to look for."""
    needle = needle_of(text)
    if needle is None:
        return None
    found: set[int] = set()
    unknown = set(_not_indexed(db))
    rows = db.execute("SELECT last_content_id, contents, open FROM search_segment WHERE form = ?", (FORM,)).fetchall()
    for last, contents, open_ones in rows:
        unknown.update(array("Q", open_ones))
        if documents := _find_in_segment(db, last, needle, places):
            numbers = array("Q", contents)
            found.update([numbers[document] for document in documents])
    return Lookup(found=frozenset(found), unknown=frozenset(unknown), is_exact=needle.is_exact)


def _find_in_segment(db: sqlite3.Connection, last: int, needle: Needle, places: tuple[Place, ...]) -> set[int]:
    key = "WHERE last_content_id = ? AND place = ?"
    found: set[int] = set()
    for place in places:
        (vocabulary,) = db.execute(f"SELECT vocabulary FROM search_words {key}", (last, place.value)).fetchone()
        if all(piece in vocabulary for piece in needle.pieces):
            numbers = db.execute(f"SELECT starts, ends, documents FROM search_words {key}", (last, place.value))
            starts, ends, documents = numbers.fetchone()
            columns = Columns(vocabulary=vocabulary, starts=starts, ends=ends, documents=documents)
            found |= find_documents(columns, needle)
    return found


def indexed_up_to(db: sqlite3.Connection) -> int:
    """The last content that is indexed."""
    row = db.execute("SELECT coalesce(max(last_content_id), 0) FROM search_segment WHERE form = ?", (FORM,))
    return int(row.fetchone()[0])


def _not_indexed(db: sqlite3.Connection) -> list[int]:
    return [number for (number,) in db.execute("SELECT id FROM content WHERE id > ?", (indexed_up_to(db),))]


class SegmentBuilder:
    """Makes the next segment, a piece at a time; call `read` until it says that there is no more."""

    def __init__(self, msg_dir: Path) -> None:
        self._msg_dir = msg_dir
        self._after = 0
        self._contents = array("Q")
        self._open = array("Q")
        self._builders = {place: Builder() for place in Place}

    def read(self, db: sqlite3.Connection) -> bool:
        """Index some more contents; returns whether there may be others."""
        if not self._contents:
            self._after = indexed_up_to(db)
        after = self._contents[-1] if self._contents else self._after
        most = min(PIECE, SEGMENT - len(self._contents))
        numbers = db.execute("SELECT id FROM content WHERE id > ? ORDER BY id LIMIT ?", (after, most)).fetchall()
        for (number,) in numbers:
            self._add(number, read_message(db, self._msg_dir, number))
        return len(numbers) == most and len(self._contents) < SEGMENT

    def _add(self, number: int, message: MessageBytes | None) -> None:
        document = len(self._contents)
        self._contents.append(number)
        found = {place: _words(message, place) for place in Place} if message else {}
        if not all(words is not None for words in found.values()):
            self._open.append(number)
            return
        for place, words in found.items():
            self._builders[place].add(document, words or ())

    def segment(self) -> Segment:
        """The segment."""
        columns = {place: builder.columns() for place, builder in self._builders.items()}
        return Segment(after=self._after, contents=self._contents, open=self._open, columns=columns)


def _words(message: MessageBytes, place: Place) -> set[bytes] | None:
    """The words there; None when they cannot be indexed."""
    if len(message.body) > MAX_BODY:
        return None
    if place is Place.BODY:
        return words_of(search_text(message.body, message.root, with_header=False))
    if message.root.body_start > MAX_HEADER:
        return None
    return words_of([header_text(message.prefix), *header_texts(message.body, message.root)])


def waiting(db: sqlite3.Connection, most: int) -> int:
    """How many contents are not indexed, counted up to `most`."""
    query = "SELECT count(*) FROM (SELECT 1 FROM content WHERE id > ? LIMIT ?)"
    return int(db.execute(query, (indexed_up_to(db), most)).fetchone()[0])


def add_segment(db: sqlite3.Connection, segment: Segment) -> None:
    """Store a segment, unless it does not follow the others any more: these grew meanwhile, or were cleared."""
    first, last = segment.contents[0], segment.contents[-1]
    if indexed_up_to(db) != segment.after:
        return
    db.execute(
        "DELETE FROM search_segment WHERE form <> ? OR NOT EXISTS"
        " (SELECT 1 FROM content WHERE id BETWEEN first_content_id AND last_content_id)",
        (FORM,),
    )
    db.execute("DELETE FROM search_words WHERE last_content_id NOT IN (SELECT last_content_id FROM search_segment)")
    db.execute(
        "INSERT INTO search_segment (last_content_id, first_content_id, form, contents, open) VALUES (?, ?, ?, ?, ?)",
        (last, first, FORM, segment.contents.tobytes(), segment.open.tobytes()),
    )
    for place, c in segment.columns.items():
        db.execute(
            "INSERT INTO search_words (last_content_id, place, vocabulary, starts, ends, documents)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (last, place.value, c.vocabulary, c.starts, c.ends, c.documents),
        )


def clear(db: sqlite3.Connection) -> None:
    """Forget everything; searches look at the messages until they are indexed again."""
    db.execute("DELETE FROM search_segment")
    db.execute("DELETE FROM search_words")
