"""Reads a zip archive by the table at its end, one row at a time (APPNOTE 6.3.10; Zip64).

The table is believed as to where a file is and what it is called; how large it is comes out when it is read, and must
agree. Links, encrypted files and rare kinds of compression are members with a fault.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.operations.archives.member import MAX_PATH, ArchiveBroken, Member, MemberBroken, OnDisk, gauge_for

_PIECE: Final = 64 * 1024
_MAX32: Final = 0xFFFFFFFF
_MAX_COMMENT: Final = 0xFFFF
_STORED: Final = 0
_DEFLATED: Final = 8
_ENCRYPTED: Final = 1
_UTF8: Final = 0x800
_KIND: Final = 0o170000
_LINK: Final = 0o120000

_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CUT_OFF: Final = "the zip archive is cut off or damaged"


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table says of a file."""

    path: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the table is; `shift` is what stands in front of the archive."""

    start: int
    size: int
    count: int
    shift: int


class ZipArchive(OnDisk):
    """A zip archive on disk."""

    def members(self) -> Iterator[Member]:
        """All files and folders, in the order of the table."""
        self.gauge = gauge_for(self._size)
        table = self._find_table()
        with self._path.open("rb") as rows:
            rows.seek(table.start)
            for _ in range(table.count):
                row = _read_row(rows)
                yield self._member(row, table.shift)
                self.gauge.done = min(self._size, self.gauge.done + row.packed + 100)
        self.gauge.done = self._size

    def _member(self, row: _Row, shift: int) -> Member:
        if row.path.endswith("/"):
            return Member(path=row.path)
        fault = ""
        if row.mode & _KIND == _LINK:
            fault = "it is a link"
        elif row.flags & _ENCRYPTED:
            fault = "it is encrypted"
        elif row.method not in (_STORED, _DEFLATED):
            fault = f"it is compressed in a way that is not supported (method {row.method})"
        return Member(path=row.path, read=_Content(self, row, shift).read, fault=fault)

    def locate(self, row: _Row, shift: int) -> int:
        """Where the bytes of a file begin."""
        self._file.seek(row.offset + shift)
        head = self._file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            raise MemberBroken("its place in the archive is damaged")
        fields = _LOCAL.unpack(head)
        return row.offset + shift + _LOCAL.size + int(fields[9]) + int(fields[10])

    def piece(self, place: int, size: int) -> bytes:
        """Bytes of the file."""
        self._file.seek(place)
        return self._file.read(size)

    def _find_table(self) -> _Table:
        tail_start = max(0, self._size - _END.size - _MAX_COMMENT)
        self._file.seek(tail_start)
        tail = self._file.read(_END.size + _MAX_COMMENT)
        found = tail.rfind(b"PK\x05\x06")
        if found < 0 or len(tail) - found < _END.size:
            raise ArchiveBroken(f"{_CUT_OFF}: the table at its end is missing; make or download it once more")
        end_at = tail_start + found
        _, _, _, _, count, size, start, _ = _END.unpack_from(tail, found)
        if count == 0xFFFF or size == _MAX32 or start == _MAX32:
            count, size, start, end_at = self._find_table64(end_at, (count, size, start))
        shift = end_at - size - start
        if shift < 0:
            raise ArchiveBroken(f"{_CUT_OFF}: its table is not where it should be")
        return _Table(start + shift, size, count, shift)

    def _find_table64(self, end_at: int, otherwise: tuple[int, int, int]) -> tuple[int, int, int, int]:
        raw = self.piece(max(0, end_at - _LOCATOR64.size), _LOCATOR64.size)
        if len(raw) < _LOCATOR64.size or raw[:4] != b"PK\x06\x07":
            return (*otherwise, end_at)  # numbers that happen to be the largest
        place = _LOCATOR64.unpack(raw)[2]
        # What stands in front of the archive is not counted in; then the record is right ahead of its locator.
        for at in (place, end_at - _LOCATOR64.size - _END64.size):
            record = self.piece(at, _END64.size) if 0 <= at < self._size else b""
            if len(record) == _END64.size and record[:4] == b"PK\x06\x06":
                fields = _END64.unpack(record)
                return fields[7], fields[8], fields[9], at
        raise ArchiveBroken(f"{_CUT_OFF}: its large table is not where it should be")


class _Content:
    """The bytes of a file, as they are asked for."""

    def __init__(self, archive: ZipArchive, row: _Row, shift: int) -> None:
        self._archive = archive
        self._row = row
        self._shift = shift
        self._place = -1
        self._left = row.packed
        self._unpack = zlib.decompressobj(-15) if row.method == _DEFLATED else None
        self._crc = 0
        self._size = 0

    def read(self, size: int) -> bytes:
        """Up to so many bytes more, none at the end; raises MemberBroken, ArchiveBroken."""
        if self._place < 0:
            self._place = self._archive.locate(self._row, self._shift)
        try:
            data = self._stored(size) if self._unpack is None else self._inflated(size)
        except zlib.error:
            raise MemberBroken("it is damaged") from None
        self._archive.gauge.expand(len(data))
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        if not data and (self._size != self._row.size or self._crc != self._row.crc):
            raise MemberBroken("it is damaged: its checksum or size is wrong")
        return data

    def _next(self, size: int) -> bytes:
        data = self._archive.piece(self._place, min(size, self._left))
        self._place += len(data)
        self._left -= len(data)
        return data

    def _stored(self, size: int) -> bytes:
        return self._next(size)

    def _inflated(self, size: int) -> bytes:
        unpack = self._unpack
        assert unpack is not None
        while not unpack.eof:
            packed = unpack.unconsumed_tail or self._next(_PIECE)
            if data := unpack.decompress(packed, size):
                return data
            if not packed:
                break  # cut off, which its size tells
        return b""


def _read_row(rows: BinaryIO) -> _Row:
    head = rows.read(_CENTRAL.size)
    if len(head) < _CENTRAL.size or head[:4] != b"PK\x01\x02":
        raise ArchiveBroken(f"{_CUT_OFF}: its table ends too early")
    fields = _CENTRAL.unpack(head)
    flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_length, extra_length, comment_length = fields[10:13]
    mode, offset = fields[15] >> 16, fields[16]
    raw, extra = rows.read(name_length), rows.read(extra_length)
    rows.read(comment_length)
    large = _zip64(extra)
    if size == _MAX32 and large:
        size = large.pop(0)
    if packed == _MAX32 and large:
        packed = large.pop(0)
    if offset == _MAX32 and large:
        offset = large.pop(0)
    return _Row(_name(raw, flags), flags, method, crc, packed, size, mode, offset)


def _zip64(extra: bytes) -> list[int]:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            data = extra[place + 4 : place + 4 + length]
            return [int(number) for (number,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8])]
        place += 4 + length
    return []


def _name(raw: bytes, flags: int) -> str:
    """UTF-8 is what nearly all programs write, also those that do not say so; else it is the code page of 1981."""
    raw = raw[:MAX_PATH]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace") if flags & _UTF8 else raw.decode("cp437")
