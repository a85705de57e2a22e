"""The messages of an mbox file, one after the other, whatever its size.

A separator stands at the start or after an empty line, and has a date, unless the first one has none either: a line of
a message that begins with "From " and was not quoted by who wrote the file has none as a rule. The empty line before a
separator does not belong to the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.operations.archives.member import MemberBroken
from app.operations.mailimport.reading import PIECE, MessageSink
from app.store.spool import Spool
from app.wire.mbox import MAX_SEPARATOR, Separator, parse_separator

BEFORE_FIRST: Final = b"\r\n\t \xef\xbb\xbf"  # what may stand before the first separator; a mark of UTF-8 too
_KEPT: Final = MAX_SEPARATOR + 10  # bytes in which a separator may have begun
_BEFORE: Final = 3  # bytes that show whether the line before is an empty one
_LONGEST: Final = 16 << 20  # of a line that is waited for


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the file; `received` is seconds since 1970, None when its separator does not say."""

    sink: MessageSink
    received: int | None


class MboxReader:
    """Reads one file."""

    def __init__(self, read: Callable[[int], bytes], tmp_dir: Path) -> None:
        self._read = read
        self._tmp_dir = tmp_dir
        self._buffer = b""
        self._is_dated = True

    def messages(self) -> Iterator[Message]:
        """All of them; raises MemberBroken for a file that is no mbox, and what `read` raises."""
        separator: Separator | None = self._first()
        while separator is not None:
            sink = MessageSink(Spool(self._tmp_dir), is_mbox=True)
            try:
                following = self._fill(sink)
            except BaseException:
                sink.discard()
                raise
            yield Message(sink, separator.time)
            separator = following

    def _first(self) -> Separator | None:
        """The first separator; what follows it is in the buffer, from its line end on. None for an empty file."""
        while len(self._buffer) < _KEPT and (data := self._read(PIECE)):
            self._buffer = (self._buffer + data).lstrip(BEFORE_FIRST)
        if not self._buffer:
            return None
        line, end, rest = self._buffer.partition(b"\n")
        separator = parse_separator(line)
        if separator is None:
            raise MemberBroken("it is no mbox file: it does not begin with a line From")
        self._is_dated = separator.time is not None
        self._buffer = end + rest
        return separator

    def _fill(self, sink: MessageSink) -> Separator | None:
        """Put the message into the sink; the separator behind it, None at the end of the file.

        The buffer begins with the end of the line before the message.
        """
        skip, looked, is_start = 1, 0, True
        while True:
            place, separator, after = self._find(looked, is_start=is_start)
            if separator is not None:
                sink.feed(self._buffer[skip : place + 1])
                self._buffer = self._buffer[after:]
                return separator
            data = self._read(PIECE)
            if not data:
                sink.feed(self._without_end(self._buffer[skip:]))
                self._buffer = b""
                return None
            cut = self._whole_lines()
            if cut > skip:
                sink.feed(self._buffer[skip:cut])
                skip, is_start = min(cut, _BEFORE), False
                self._buffer = self._buffer[cut - skip :]
            looked = max(0, len(self._buffer) - _KEPT)
            self._buffer += data

    def _whole_lines(self) -> int:
        """How much of the buffer can be let go: lines in which no separator begins."""
        most = len(self._buffer) - _KEPT
        if most <= 0:
            return 0
        cut = self._buffer.rfind(b"\n", 0, most) + 1
        if cut <= 1 and len(self._buffer) > _LONGEST:  # a line without an end
            return most
        return cut

    def _find(self, start: int, *, is_start: bool) -> tuple[int, Separator | None, int]:
        """Where the message ends (its last line end), the separator, and where what follows begins."""
        buffer, place = self._buffer, start
        while (place := buffer.find(b"\nFrom ", place)) >= 0:
            before = place - 1 if buffer[place - 1 : place] == b"\r" else place
            end = buffer.find(b"\n", place + 1)
            is_after_empty = (is_start and place == 0) or buffer[before - 1 : before] == b"\n"
            if is_after_empty and end >= 0:
                separator = parse_separator(buffer[place + 1 : end])
                if separator is not None and (separator.time is not None or not self._is_dated):
                    return max(0, before - 1), separator, end
            place += 1
        return 0, None, 0

    @staticmethod
    def _without_end(data: bytes) -> bytes:
        """The last message without the empty line that stands behind every message."""
        for end in (b"\n\r\n", b"\n\n"):
            if data.endswith(end):
                return data[: 1 - len(end)]
        return data
