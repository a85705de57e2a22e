"""The structure of a message: a tree of parts with positions in its bytes (RFC 5322, RFC 2045, RFC 2046).

`parse_message` never raises and is linear in the message: boundaries are found with `bytes.find`, header fields with
one regular expression, newlines are counted once. CRLF and bare LF both end a line. A part ends before the line end in
front of a delimiter; without a closing delimiter at the next delimiter of an outer multipart, or at the end. A header
section ends with an empty line, or at a delimiter, or at the end of the message.

Bounds: whatever is nested deeper than MAX_DEPTH or comes after MAX_PARTS parts becomes one opaque part
(`application/octet-stream`), fields are understood in the first MAX_HEADER bytes of a header section. A multipart that
holds no part gets an empty `text/plain` one, as IMAP cannot say "no parts" (RFC 9051 §9, body-type-mpart).
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass

from app.wire.message.boundaries import Boundaries, Stop
from app.wire.message.contenttype import (
    MESSAGE_RFC822,
    OCTET_STREAM,
    TEXT_PLAIN,
    ContentType,
    Disposition,
    parse_content_type,
    parse_disposition,
)
from app.wire.message.header import fields_pattern, strip_comments, unfold

MAX_DEPTH = 50  # multiparts and messages within each other; real mail stays below 10
MAX_PARTS = 1000  # in one message
MAX_HEADER = 256 * 1024  # of one header section
MAX_FACT = 4096  # characters of a Content-ID, Content-Description and the like that are kept

_COUNT_CHUNK = 1 << 20
_BLANK_LINE = re.compile(rb"\n\r?\n")
_EMPTY_LINE = re.compile(rb"\n\r\n|.?\n\n", re.DOTALL)
_NAMES = rb"content-(type|transfer-encoding|id|description|disposition|language|location|md5)"
_MIME_FIELD = fields_pattern(_NAMES)
_WORDS = re.compile(r"[^\s,;\"]+")


@dataclass(frozen=True, slots=True)
class Details:
    """The rarer MIME fields of a part, unfolded and as written."""

    id: str | None = None
    description: str | None = None
    disposition: Disposition | None = None
    languages: tuple[str, ...] = ()
    location: str | None = None
    md5: str | None = None


NO_DETAILS = Details()


@dataclass(frozen=True, slots=True)
class Part:
    """One part: header section from `header_start` to `body_start`, body from there to `body_end`."""

    header_start: int
    body_start: int
    body_end: int
    lines: int  # newlines in the body
    content_type: ContentType = TEXT_PLAIN
    encoding: str = "7bit"  # Content-Transfer-Encoding, lower-case
    details: Details = NO_DETAILS
    children: tuple[Part, ...] = ()  # of a multipart
    message: Part | None = None  # of message/rfc822 and message/global

    @property
    def size(self) -> int:
        """Length of the body in bytes."""
        return self.body_end - self.body_start

    @property
    def is_multipart(self) -> bool:
        """Whether the part is a container of `children`."""
        return bool(self.children)

    @property
    def is_text(self) -> bool:
        """Whether the body is text."""
        return self.content_type.type == "text"


def parse_message(data: bytes | mmap.mmap) -> Part:
    """The tree of parts of a message."""
    return _Parse(data).message(0)


def part_header(data: bytes | mmap.mmap, part: Part) -> bytes:
    """The header section of a part, with its final empty line."""
    return data[part.header_start : part.body_start]


def part_body(data: bytes | mmap.mmap, part: Part) -> bytes:
    """The body of a part as it is in the message."""
    return data[part.body_start : part.body_end]


class _Newlines:
    """Counts newlines up to positions that (nearly) only grow, so that each byte is counted once."""

    __slots__ = ("_at", "_count", "_data")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._at = 0
        self._count = 0

    def before(self, position: int) -> int:
        if position < self._at:  # by the CR in front of a delimiter, at most
            return self._count - self._between(position, self._at)
        self._count += self._between(self._at, position)
        self._at = position
        return self._count

    def _between(self, start: int, end: int) -> int:
        data = self._data
        if isinstance(data, bytes):
            return data.count(b"\n", start, end)
        return sum(data[at : min(at + _COUNT_CHUNK, end)].count(b"\n") for at in range(start, end, _COUNT_CHUNK))


@dataclass(slots=True)
class _Fields:
    """What a header section says about its body."""

    content_type: ContentType
    encoding: str = "7bit"
    details: Details = NO_DETAILS


class _Parse:
    """One run over one message.

    `stop` is where the part that was parsed last ended; `floor` the end of the last line that was understood as header
    or closing delimiter. A body ends before the line end in front of `stop`, but not above `floor`: the line end of a
    closing delimiter right in front of an outer one stays with the inner multipart, as it does in Dovecot.
    """

    __slots__ = ("_boundaries", "_data", "_floor", "_newlines", "_parts", "_size", "_stop")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._boundaries = Boundaries(data)
        self._newlines = _Newlines(data)
        self._parts = 0
        self._stop = Stop(self._size, -1, False)
        self._floor = 0

    def message(self, start: int, depth: int = 0) -> Part:
        """A message that begins at `start`."""
        return self._part(start, depth, TEXT_PLAIN)

    def _part(self, start: int, depth: int, default: ContentType) -> Part:
        self._parts += 1
        # The newline before the part ends a delimiter line, and may already be the one before the next delimiter.
        self._stop = self._boundaries.find(max(start - 1, 0)) if start else self._boundaries.find(0)
        self._floor = body_start = self._end_of_header(start)
        fields = self._read_fields(start, body_start, default)
        content_type = fields.content_type
        lines_before = self._newlines.before(body_start)
        children: tuple[Part, ...] = ()
        message = None
        if content_type.type in ("multipart", "message"):
            if depth >= MAX_DEPTH or self._parts >= MAX_PARTS:
                content_type = OCTET_STREAM if _is_container(content_type) else content_type
            elif content_type.type == "multipart":
                children = self._children(body_start, depth, content_type)
            elif content_type.subtype in ("rfc822", "global"):
                message = self.message(body_start, depth + 1)
        if self._parts >= MAX_PARTS and not children and message is None:
            self._stop = Stop(self._size, -1, False)
        body_end = self._body_end()
        lines = self._newlines.before(body_end) - lines_before
        return Part(
            start, body_start, body_end, lines, content_type, fields.encoding, fields.details, children, message
        )

    def _end_of_header(self, start: int) -> int:
        """The position after the header section that begins at `start`."""
        data = self._data
        if data[start : start + 1] == b"\n":
            return start + 1
        if data[start : start + 2] == b"\r\n":
            return start + 2
        limit = self._stop.newline
        match = _BLANK_LINE.search(data, start, min(limit + 1, self._size))
        if match:
            return match.end()
        return max(start, min(limit + 1, self._size))

    def _body_end(self) -> int:
        """The end of a body, without the line end that belongs to the delimiter."""
        end = self._stop.newline
        if self._stop.level >= 0 and end and self._data[end - 1 : end] == b"\r":
            end -= 1
        return max(end, self._floor)

    def _children(self, start: int, depth: int, content_type: ContentType) -> tuple[Part, ...]:
        boundary = _boundary(content_type)
        children: list[Part] = []
        # A header section cut off by a delimiter has no body: the delimiter is one of an outer multipart.
        if boundary is not None and not (self._stop.level >= 0 and self._is_cut(start)):
            level = self._boundaries.open(boundary)
            self._stop = self._boundaries.find(start - 1)
            default = MESSAGE_RFC822 if content_type.subtype == "digest" else TEXT_PLAIN
            while self._stop.level == level and not self._stop.is_final:
                line_end = self._after_delimiter()
                if line_end == self._size and self._data[-1:] != b"\n":  # cut off in the delimiter: no part begins
                    self._stop = Stop(self._size, -1, False)
                    break
                children.append(self._part(line_end, depth + 1, default))
            is_closed = self._stop.level == level
            self._boundaries.close(level)
            if is_closed:  # what follows is the epilogue
                self._floor = self._after_delimiter()
                self._stop = self._boundaries.find(self._stop.newline + 1)
        if not children:
            self._newlines.before(start)
            children.append(Part(start, start, start, 0))
        return tuple(children)

    def _is_cut(self, body_start: int) -> bool:
        """Whether the header section before `body_start` ends at the delimiter and not with an empty line."""
        return body_start > self._stop.newline and not _EMPTY_LINE.fullmatch(self._data[body_start - 3 : body_start])

    def _after_delimiter(self) -> int:
        """The start of the line after the delimiter."""
        newline = self._data.find(b"\n", self._stop.newline + 1)
        return newline + 1 if newline >= 0 else self._size

    def _read_fields(self, start: int, end: int, default: ContentType) -> _Fields:
        fields = _Fields(default)
        header = b"\n" + self._data[start : min(end, start + MAX_HEADER)]
        found: dict[bytes, str] = {}
        for match in _MIME_FIELD.finditer(header):
            found.setdefault(match[1].lower(), unfold(match[2]))
        if not found:
            return fields
        if (value := found.pop(b"type", None)) is not None:
            fields.content_type = parse_content_type(value) or TEXT_PLAIN
        if (value := found.pop(b"transfer-encoding", None)) is not None:
            fields.encoding = _first_word(value) or "7bit"
        if found:
            fields.details = _read_details(found)
        return fields


def _is_container(content_type: ContentType) -> bool:
    return content_type.type == "multipart" or content_type.subtype in ("rfc822", "global")


def _boundary(content_type: ContentType) -> bytes | None:
    for name, value in content_type.params:
        if name == "boundary":
            return value.encode("utf-8", "surrogateescape")
    return None


def _first_word(value: str) -> str:
    match = _WORDS.search(strip_comments(value))
    return match[0][:MAX_FACT].lower() if match else ""


def _read_details(found: dict[bytes, str]) -> Details:
    disposition = found.get(b"disposition")
    languages = found.get(b"language")
    return Details(
        id=_kept(found.get(b"id")),
        description=_kept(found.get(b"description")),
        disposition=parse_disposition(disposition) if disposition else None,
        languages=tuple(_WORDS.findall(strip_comments(languages)[:MAX_FACT])) if languages else (),
        location=_kept(found.get(b"location")),
        md5=_kept(found.get(b"md5")),
    )


def _kept(value: str | None) -> str | None:
    return value[:MAX_FACT] if value else None
