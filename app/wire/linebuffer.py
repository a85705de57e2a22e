"""A bounded receive buffer that gives strict CRLF lines or counted chunks.

`line` accepts only lines that end in CRLF and hold no CR, LF or NUL inside: a server that ends lines at a bare LF while
its neighbour does not is how messages are smuggled (RFC 5321 §2.3.8 forbids both). A line over the limit is reported as
soon as so many bytes are there, so the buffer never grows beyond what one read brought plus one line. After an error
the position in the stream is lost and the connection has to end.
"""

from __future__ import annotations

from app.errors import WireError


class LineTooLong(WireError):
    """More bytes without a line end than a line may have."""


class BareLineEnding(WireError):
    """A CR or LF that is not part of CRLF."""


class NulByte(WireError):
    """A NUL in a line."""


class LineBuffer:
    """Takes bytes in pieces of any size."""

    __slots__ = ("_data", "_start")

    def __init__(self) -> None:
        self._data = b""
        self._start = 0

    def __len__(self) -> int:
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Append what was received."""
        # Usually everything before has been taken, and the bytes are kept as they came.
        self._data = self._data[self._start :] + data if len(self) else data
        self._start = 0

    def line(self, limit: int) -> bytes | None:
        """The next line without its CRLF, or None until it is complete; `limit` counts the CRLF too."""
        data, start = self._data, self._start
        end = data.find(b"\n", start, start + limit)
        if end < 0:
            if len(data) - start >= limit:
                raise LineTooLong(f"line longer than {limit} bytes")
            return None
        if end == start or data[end - 1] != 13:
            raise BareLineEnding("line ends in LF without CR")
        line = data[start : end - 1]
        if b"\r" in line:
            raise BareLineEnding("CR without LF in a line")
        if b"\0" in line:
            raise NulByte("NUL in a line")
        self._start = end + 1
        return line

    def take(self, limit: int | None = None) -> bytes:
        """Everything there is, or at most `limit` bytes of it."""
        start, data = self._start, self._data
        if limit is None or len(data) - start <= limit:
            self.clear()
            return data[start:] if start else data
        self._start = start + limit
        return data[start : self._start]

    def put_back(self, data: bytes) -> None:
        """Put bytes that were taken in front again."""
        self._data = data + self._data[self._start :] if len(self) else data
        self._start = 0

    def clear(self) -> None:
        """Forget everything."""
        self._data = b""
        self._start = 0
