"""Reads a tar archive from its start to its end: ustar, pax (POSIX.1-2001) and what GNU tar adds; also in gzip.

A header is believed as far as its checksum goes; long names and pax records are bounded. Links and sparse files are
members with a fault. An archive that is cut off gives what is whole, then says so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from app.operations.archives.member import MAX_PATH, ArchiveBroken, Member, OnDisk

BLOCK: Final = 512
MAX_RECORDS: Final = 1 << 20  # bytes of the pax records or of the long name of a file
_PIECE: Final = 256 * 1024
_FILES: Final = b"0\x007"
_CUT_OFF: Final = "the archive is cut off or damaged; what was whole is taken"


class TarArchive(OnDisk):
    """A tar archive on disk, compressed with gzip or not."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._stream: BinaryIO = self._file
        self._left = 0  # bytes of the present file, with what fills its last block
        self._wanted = 0  # of those, its own
        self._is_cut = False

    def members(self) -> Iterator[Member]:
        """All files and folders, in their order."""
        self._stream = self._unpacked()
        self._left = self._wanted = 0
        self._is_cut = False
        said: dict[str, str] = {}
        while True:
            self._skip()
            header = self._exactly(BLOCK, may_end=True)
            if not header.strip(b"\0"):
                break
            if not is_header(header):
                raise ArchiveBroken(_CUT_OFF)
            self._wanted = _number(header[124:136]) if "size" not in said else _decimal(said["size"])
            self._left = self._wanted + -self._wanted % BLOCK
            kind = header[156:157]
            if kind in (b"L", b"x"):
                records = self._exactly(self._bounded())
                said |= _pax(records) if kind == b"x" else {"path": _text(records.rstrip(b"\0"))}
                continue
            if kind not in (b"g", b"K"):  # which say nothing of a name or size
                yield self._member(header, kind, said)
                said = {}
        self.gauge.done = self._size

    def _member(self, header: bytes, kind: bytes, said: dict[str, str]) -> Member:
        path = said.get("path") or _path(header)
        if kind == b"5" or (kind in _FILES and path.endswith("/")):
            return Member(path=path.rstrip("/") + "/")
        if kind in (b"1", b"2"):
            return Member(path=path, fault="it is a link")
        if kind not in _FILES or any(name.startswith("GNU.sparse") for name in said):
            return Member(path=path, fault="it is no ordinary file")
        return Member(path=path, read=self._read)

    def _bounded(self) -> int:
        if self._wanted > MAX_RECORDS:
            raise ArchiveBroken("the archive has a name that is far too long")
        return self._wanted

    def _read(self, size: int) -> bytes:
        """Bytes of the present file."""
        size = min(size, self._wanted)
        return self._exactly(size) if size else b""

    def _skip(self) -> None:
        """Go to the end of the present file."""
        while self._left:
            self._exactly(min(_PIECE, self._left))

    def _exactly(self, size: int, *, may_end: bool = False) -> bytes:
        if self._is_cut:  # who reads on after it was told is told again
            raise ArchiveBroken(_CUT_OFF)
        try:
            data = self._stream.read(size)
        except (EOFError, OSError, zlib.error):
            data = b""
            may_end = False
        self.gauge.done = self._file.tell()
        self.gauge.expand(len(data))
        if len(data) < size and not (may_end and not data):
            self._is_cut = True
            raise ArchiveBroken(_CUT_OFF)
        self._left -= min(len(data), self._left)
        self._wanted -= min(len(data), self._wanted)
        return data


def is_header(block: bytes) -> bool:
    """Whether a block is the header of a file."""
    if len(block) != BLOCK:
        return False
    without = sum(block[:148]) + 8 * 32 + sum(block[156:])
    return _number(block[148:156]) == without


def _number(field: bytes) -> int:
    """An octal number, or a binary one as GNU tar writes large ones; none is negative here."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    try:
        return int(digits, 8) if digits and digits.isdigit() else 0
    except ValueError:
        return 0


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ArchiveBroken(_CUT_OFF)
    return int(text)


def _path(header: bytes) -> str:
    name, prefix = header[:100].partition(b"\0")[0], b""
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].partition(b"\0")[0]
    return _text(prefix + b"/" + name if prefix else name)


def _text(raw: bytes) -> str:
    return raw[:MAX_PATH].decode("utf-8", "surrogateescape")


def _pax(records: bytes) -> dict[str, str]:
    """The records "LENGTH KEY=VALUE" of a pax header; what is broken ends them."""
    found: dict[str, str] = {}
    place = 0
    while place < len(records):
        digits, space, _ = records[place : place + 12].partition(b" ")
        if not space or not digits.isdigit() or int(digits) <= len(digits) + 1:
            break
        key, equals, value = records[place + len(digits) + 1 : place + int(digits) - 1].partition(b"=")
        if (equals and key in (b"path", b"size")) or key.startswith(b"GNU.sparse"):
            found[key.decode("ascii", "replace")] = _text(value)
        place += int(digits)
    return found
