"""The features of a message: words, pairs of words that follow each other, and marks of its form.

A feature is counted once however often it occurs, and is kept as a number of 32 bits (`FORM` names the way it is made).
Two features share a number about as seldom as once in two thousand messages, which the score does not notice. Read are
the header of the message, but for what servers add on the way, and the text parts of it and of messages in it.

Everything is bounded: MAX_TEXTS text parts, `words.MAX_WORDS` of each, MAX_MARKS marks, MAX_FEATURES in all. No input
raises. The cost is linear in what is read.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from zlib import crc32

from app.junk.page import read_page
from app.junk.words import address_words, domain_words, has_no_width, plain, url_words, urls_in, words_of
from app.wire.message.decode import decode_text
from app.wire.message.encodedword import decode_words
from app.wire.message.header import read_fields
from app.wire.message.part import Part, part_header

FORM: Final = 1  # counted up when the same message gets other features: the filter is then trained again
MAX_TEXTS: Final = 20
MAX_BYTES: Final = 96 * 1024  # of one decoded text
MAX_HEADER: Final = 32 * 1024
MAX_URLS: Final = 200
MAX_MARKS: Final = 2000
MAX_FEATURES: Final = 8000
MAX_PARTS: Final = 100

_MASK: Final = 0xFFFFFFFF
_FACTOR: Final = 0x9E3779B1
_SEED: Final = 0x7F4A7C15

_ADDRESS_FIELDS = {"from": "f", "reply-to": "r", "to": "to", "cc": "to", "sender": "f"}
_WORD_FIELDS = frozenset(
    "list-id x-mailer user-agent content-type organization list-unsubscribe precedence mailing-list".split()
)
# What the mailbox or servers on the way write says who kept the message, not what it is.
_PASSING = re.compile(
    r"(?:x-(?:spam|junk|mozilla|gmail|gm-|google|uid|keywords|status|imap|account|evolution|virus|original|mox-|envelope"
    r"|ms-exchange|microsoft|forefront|ham|bogo|dspam|rspam|antispam|apparently|received|priority-class)|received|"
    r"return-path|delivered-to|authentication-results|arc-|status|lines|x400|date|subject|envelope-to|from |>from)",
    re.IGNORECASE,
)
_ZONE = re.compile(r"[+-]\d{4}\b")
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"(?=[0-9a-f]*[0-9])[0-9a-f]{6,}")
_LETTERS = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Features:
    """The features of one message by number, and the texts they were made of."""

    numbers: tuple[int, ...]  # sorted
    runs: tuple[list[str], ...]  # words that follow each other
    marks: tuple[str, ...]

    @staticmethod
    def of(runs: Sequence[list[str]], marks: Collection[str]) -> Features:
        """The features that these words and marks are."""
        numbers: set[int] = set()
        known: dict[str, int] = {}
        for run in runs:
            for word in run:
                if word not in known:
                    known[word] = _number(word)
            line = [known[word] for word in run]
            numbers.update(line)
            numbers.update([(a * _FACTOR + b ^ _SEED) & _MASK for a, b in pairwise(line)])  # as `_pair`
        kept = tuple(sorted(marks)[:MAX_MARKS])
        numbers.update(map(_number, kept))
        return Features(tuple(sorted(numbers)[:MAX_FEATURES]), tuple(runs), kept)

    def names(self, wanted: Collection[int]) -> dict[int, str]:
        """The texts of some of the features, for people."""
        found: dict[int, str] = {}
        for mark in self.marks:
            if (number := _number(mark)) in wanted:
                found.setdefault(number, mark)
        for run in self.runs:
            last, last_word = -1, ""
            for word in run:
                number = _number(word)
                if number in wanted:
                    found.setdefault(number, word)
                if last >= 0 and (pair := _pair(last, number)) in wanted:
                    found.setdefault(pair, f"{last_word} {word}")
                last, last_word = number, word
        return found


def features_of(data: bytes | mmap.mmap, root: Part) -> Features:
    """The features of a message with this part tree."""
    reader = _Reader(data)
    reader.read_header(root)
    reader.read_parts(root)
    return reader.features()


def _number(text: str) -> int:
    return crc32(text.encode("utf-8", "replace"))


def _pair(first: int, second: int) -> int:
    return (first * _FACTOR + second ^ _SEED) & _MASK


class _Reader:
    """Gathers runs of words and marks."""

    __slots__ = ("data", "marks", "runs", "urls")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data = data
        self.runs: list[list[str]] = []
        self.marks: set[str] = set()
        self.urls = 0

    def features(self) -> Features:
        return Features.of(self.runs, self.marks)

    def mark(self, prefix: str, words: Iterable[str]) -> None:
        self.marks.update([prefix + word for word in words])

    def read_header(self, root: Part) -> None:
        for field in read_fields(part_header(self.data, root)[:MAX_HEADER]):
            name = field.name.lower()
            if name == "subject":
                self._subject(plain(decode_words(field.value)))
            elif name == "date":
                self.mark("tz:", _ZONE.findall(field.value)[:1])
            elif not _PASSING.match(name):
                self.marks.add("h:" + name[:40])
                self._field(name, field.value)

    def _subject(self, text: str) -> None:
        words = words_of(text)
        self.runs.append(["s:" + word for word in words])

    def _field(self, name: str, value: str) -> None:
        if prefix := _ADDRESS_FIELDS.get(name):
            text = plain(decode_words(value))[:4000]
            self.mark(prefix + ":", _names_in(text))
            self.mark(prefix + ":", address_words(text))
        elif name in _WORD_FIELDS:
            text = plain(value)[:1000]
            self.mark(name + ":", _names_in(_DIGITS.sub("0", text) if name == "content-type" else text))
        elif name == "message-id":
            self._message_id(value[:200].lower())

    def _message_id(self, value: str) -> None:
        local, _, domain = value.strip("<> ").partition("@")
        shape = _LETTERS.sub("a", _DIGITS.sub("9", _HEX.sub("x", local)))
        self.marks.add("id:" + shape[:40])
        self.mark("id:", domain_words(domain[:100]))

    def read_parts(self, root: Part) -> None:
        texts = 0
        for part in _leaves(root):
            kind = part.content_type
            self.marks.add(f"type:{kind.full[:60]}")
            if part.details.disposition is not None:
                name = plain(part.details.disposition.param("filename") or "")[:100]
                self.mark("file:", (*_names_in(name), name.rpartition(".")[2][:10]))
            if part.is_text:
                self.marks.add(f"charset:{(kind.param('charset') or '')[:30].lower()}")
                texts += 1
                if texts <= MAX_TEXTS:
                    self._text(decode_text(self.data, part, MAX_BYTES), is_html=kind.subtype == "html")

    def _text(self, text: str, *, is_html: bool) -> None:
        urls: Iterable[str] = ()
        if is_html:
            page = read_page(text)
            text, urls = page.text, page.targets
            self.marks |= page.marks
        if has_no_width(text):
            self.marks.add("x:no-width")
        for url in (*urls, *urls_in(text)):
            if self.urls < MAX_URLS:
                self.urls += 1
                self._url(url)
        self.runs.append(words_of(plain(text)))

    def _url(self, url: str) -> None:
        scheme, colon, rest = url.partition(":")
        if colon and scheme.lower() not in ("http", "https"):
            self.marks.add("u:" + scheme[:10].lower())
            if scheme.lower() == "mailto":
                self.mark("u:", address_words(rest[:200].lower()))
            return
        self.mark("u:", url_words(url))


def _names_in(text: str) -> list[str]:
    """The words of a value, without what is between them."""
    return [word for word in words_of(text) if word[0].isalnum()]


def _leaves(root: Part) -> Iterator[Part]:
    pending, count = [root], 0
    while pending and count < MAX_PARTS:
        count += 1
        part = pending.pop()
        if part.children:
            pending.extend(reversed(part.children))
        elif part.message is not None:
            pending.append(part.message)
        else:
            yield part
