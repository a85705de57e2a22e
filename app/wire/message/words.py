"""The words of texts, in an index that answers for any part of a word.

A word is a longest run of ASCII letters and digits and of characters beyond ASCII, after case folding; all else
separates. The words of many documents become one sorted vocabulary, joined by newlines, with the documents of each
word beside it. So a needle without separators, which lies within one word wherever it occurs, is found as a substring
of the vocabulary, and the answer is exact. One with separators is cut at them: its first piece ends a word, its last
begins one, those between are words; documents that have all pieces are candidates, and their text has to be looked at.
"""

from __future__ import annotations

import sys
import unicodedata
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# Case folding follows the Unicode version, and columns are written as they are in memory. The number at the front is to
# be counted up when `search_text` or `header_texts` give other texts: what is indexed is then made again.
FORM = f"4 {sys.byteorder} {unicodedata.unidata_version}"
MAX_WORDS_BYTES = 1 << 20  # of one document; what has more is not indexed

_SEPARATORS = bytes(c if chr(c).isalnum() or c > 0x7F else 0x20 for c in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needle:
    """What to look for in vocabularies: with a newline where a word begins or ends."""

    pieces: tuple[bytes, ...]
    is_exact: bool  # whether a document that has the piece certainly has the needle


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A finished index: the vocabulary, and packed numbers."""

    vocabulary: bytes
    starts: bytes  # where each word begins
    ends: bytes  # where the documents of each word end
    documents: bytes


def words_of(texts: Iterable[str]) -> set[bytes] | None:
    """The words of the texts; None when they are too many to be indexed."""
    found: set[bytes] = set()
    size = 0
    for text in texts:
        found.update(_split(text))
        size += len(text)
    if size > MAX_WORDS_BYTES and sum(map(len, found)) > MAX_WORDS_BYTES:
        return None
    return found


def _split(text: str) -> list[bytes]:
    return text.casefold().encode("utf-8", "replace").translate(_SEPARATORS).split()


def needle_of(text: str) -> Needle | None:
    """What to look for; None when there is no word in the text."""
    try:
        folded = text.casefold().encode("utf-8")
    except UnicodeEncodeError:
        return None
    marked = folded.translate(_SEPARATORS)
    words = marked.split()
    if not words:
        return None
    last = len(words) - 1
    pieces = [
        (b"" if place == 0 and marked[:1] != b" " else b"\n")
        + word
        + (b"" if place == last and marked[-1:] != b" " else b"\n")
        for place, word in enumerate(words)
    ]
    return Needle(pieces=tuple(sorted(set(pieces), key=len, reverse=True)), is_exact=words == [folded])


class Builder:
    """Gathers the words of documents, which are numbered from 0."""

    def __init__(self) -> None:
        self._documents: defaultdict[bytes, array[int]] = defaultdict(_numbers)

    def add(self, document: int, words: Iterable[bytes]) -> None:
        """Note that the document has these words."""
        documents = self._documents
        for word in words:
            documents[word].append(document)

    def columns(self) -> Columns:
        """The index."""
        starts, ends, documents = array("I"), array("I"), array("H")
        words = sorted(self._documents)
        start = 1
        for word in words:
            starts.append(start)
            start += len(word) + 1
            documents.extend(self._documents[word])
            ends.append(len(documents))
        return Columns(
            vocabulary=b"\n" + b"\n".join(words) + b"\n",
            starts=starts.tobytes(),
            ends=ends.tobytes(),
            documents=documents.tobytes(),
        )


def _numbers() -> array[int]:
    return array("H")


def find_documents(columns: Columns, needle: Needle) -> set[int]:
    """The documents that have every piece of the needle."""
    starts, ends = memoryview(columns.starts).cast("I"), memoryview(columns.ends).cast("I")
    documents = memoryview(columns.documents).cast("H")
    found: set[int] | None = None
    for piece in needle.pieces:
        having: set[int] = set()
        for word in _words_with(columns.vocabulary, starts, piece):
            having.update(documents[ends[word - 1] if word else 0 : ends[word]])
        found = having if found is None else found & having
        if not found:
            break
    return found or set()


def _words_with(vocabulary: bytes, starts: memoryview[int], piece: bytes) -> Iterable[int]:
    """The numbers of the words that have the piece."""
    place = vocabulary.find(piece)
    while place >= 0:
        word = bisect_right(starts, place + 1) - 1 if piece[:1] == b"\n" else bisect_right(starts, place) - 1
        yield word
        if word + 1 == len(starts):
            return
        place = vocabulary.find(piece, starts[word + 1] - 1)
