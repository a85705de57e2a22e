"""The bytes of a message as DATA and BDAT carry them, on whole chunks and never byte by byte.

DATA: lines end in CRLF, a line that begins with a dot has one dot too many, and CRLF "." CRLF ends the message
(RFC 5321 §4.1.1.4, §4.5.2). Only exactly that ends it. What other servers may take for an end (LF "." LF, CR "." CR and
the mixtures of them) is how a second message is smuggled into a first, so any CR or LF outside CRLF spoils the whole
message, as does a NUL. The reader goes on to the true end of data, so that the fault can be told in a reply.

BDAT: chunks are counted (RFC 3030), nothing is stuffed. The same bytes are faults unless the body is BINARYMIME.
"""

from __future__ import annotations

from enum import Enum

END = b"\r\n.\r\n"
# The beginnings of END that a chunk may stop in; longest first.
_BEGINNINGS = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class DataFault(Enum):
    """What is wrong with the bytes of a message."""

    BARE_CR = "bare carriage return"
    BARE_LF = "bare line feed"
    NUL = "NUL byte"
    TOO_LARGE = "message too large"


def find_fault(data: bytes) -> DataFault | None:
    """The first kind of forbidden byte in `data`, which must not stop between CR and LF."""
    pairs = data.count(b"\r\n")
    if data.count(b"\n") != pairs:
        return DataFault.BARE_LF
    if data.count(b"\r") != pairs:
        return DataFault.BARE_CR
    return DataFault.NUL if b"\0" in data else None


class DotReader:
    """Reads one message after DATA: feed it until `rest` is not None."""

    __slots__ = ("_carry", "_is_first", "fault", "rest")

    def __init__(self) -> None:
        # The message begins at the start of a line, and its first line may be the lone dot or a stuffed one. With this
        # CRLF in front the first line is like all others; it is taken off again.
        self._carry = b"\r\n"
        self._is_first = True
        self.fault: DataFault | None = None
        self.rest: bytes | None = None  # what followed the end of data

    def feed(self, data: bytes) -> bytes:
        """The bytes of the message that are certain by now; nothing more after a fault."""
        data = self._carry + data
        end = data.find(END)
        if end >= 0:
            self.rest = data[end + len(END) :]
            content = data[: end + 2]
        else:
            keep = next((len(part) for part in _BEGINNINGS if data.endswith(part)), 0)
            content, self._carry = (data[:-keep], data[-keep:]) if keep else (data, b"")
        self.fault = self.fault or find_fault(content)
        if self.fault or not content:
            return b""
        content = content.replace(b"\r\n.", b"\r\n")
        if self._is_first:
            self._is_first = False
            return content[2:]
        return content


class ChunkChecker:
    """Looks for faults in the chunks of BDAT, which may stop between CR and LF."""

    __slots__ = ("_ends_in_cr", "_fault", "_is_binary")

    def __init__(self, *, is_binary: bool) -> None:
        self._is_binary = is_binary
        self._ends_in_cr = False
        self._fault: DataFault | None = None

    def feed(self, data: bytes) -> DataFault | None:
        """The fault found so far, with `data` looked at."""
        if self._is_binary or self._fault or not data:
            return self._fault
        if self._ends_in_cr:
            data = b"\r" + data
        self._ends_in_cr = data.endswith(b"\r")
        self._fault = find_fault(data[:-1] if self._ends_in_cr else data)
        return self._fault

    def finish(self) -> DataFault | None:
        """The fault of the whole message."""
        if self._ends_in_cr and not self._fault:
            self._fault = DataFault.BARE_CR
        return self._fault
