"""A zip archive as a stream of bytes, with the sizes of Zip64 where a file may need them (APPNOTE 6.3.10).

The table at the end, a hundred bytes for each file, waits in a temporary file, so memory does not grow with the number
of files. A small file is compressed before its header is written; a larger one, or one of unknown size, has its size
behind it.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from app.operations.archives.entry import Entry

SMALL: Final = 1 << 20
LEVEL: Final = 5
TABLE_IN_MEMORY: Final = 1 << 20
_COPY: Final = 64 * 1024
_MAX32: Final = 0xFFFFFFFF
_UTF8: Final = 0x800
_SIZE_BEHIND: Final = 0x8
_DEFLATED: Final = 8
_MADE_ON_UNIX: Final = 3 << 8
_FILE_MODE: Final = 0o100600 << 16
_FOLDER_MODE: Final = (0o040700 << 16) | 0x10

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")


@dataclass(slots=True)
class _Written:
    """What the table says of a file."""

    name: bytes
    moment: int
    offset: int
    flags: int = _UTF8
    crc: int = 0
    packed: int = 0
    size: int = 0
    is_folder: bool = False


class ZipWriter:
    """Makes one archive."""

    def __init__(self, tmp_dir: Path | None = None) -> None:
        """The table waits in `tmp_dir` when it is large."""
        self._tmp_dir = tmp_dir
        self._offset = 0
        self._count = 0

    def write(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The bytes of the archive."""
        with tempfile.SpooledTemporaryFile(TABLE_IN_MEMORY, dir=str(self._tmp_dir) if self._tmp_dir else None) as table:
            for entry in entries:
                is_small = entry.size is not None and entry.size <= SMALL
                for chunk in self._small(entry, table) if is_small else self._large(entry, table):
                    self._offset += len(chunk)
                    yield chunk
                self._count += 1
            size = table.tell()
            table.seek(0)
            while data := table.read(_COPY):
                yield data
            yield self._end(size)

    def _small(self, entry: Entry, table: IO[bytes]) -> Iterator[bytes]:
        data = b"".join(entry.chunks)
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush()
        one = self._begin(entry)
        one.crc, one.packed, one.size = zlib.crc32(data), len(packed), len(data)
        yield _local(one) + packed
        table.write(_central(one))

    def _large(self, entry: Entry, table: IO[bytes]) -> Iterator[bytes]:
        one = self._begin(entry)
        one.flags |= _SIZE_BEHIND
        yield _local(one)
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
        for chunk in entry.chunks:
            one.crc = zlib.crc32(chunk, one.crc)
            one.size += len(chunk)
            if packed := packer.compress(chunk):
                one.packed += len(packed)
                yield packed
        rest = packer.flush()
        one.packed += len(rest)
        yield rest + struct.pack("<4sIQQ", b"PK\x07\x08", one.crc, one.packed, one.size)
        table.write(_central(one))

    def _begin(self, entry: Entry) -> _Written:
        name = entry.path.encode("utf-8", "surrogateescape")
        return _Written(name, _dos_time(entry.modified), self._offset, is_folder=entry.is_folder)

    def _end(self, size: int) -> bytes:
        start, count = self._offset, self._count
        end64 = _END64.pack(b"PK\x06\x06", _END64.size - 12, 45, 45, 0, 0, count, count, size, start)
        locator = _LOCATOR64.pack(b"PK\x06\x07", 0, start + size, 1)
        is_large = count >= 0xFFFF or start >= _MAX32 or size >= _MAX32
        least, most = min(count, 0xFFFF), min(start, _MAX32)
        end = _END.pack(b"PK\x05\x06", 0, 0, least, least, min(size, _MAX32), most, 0)
        return end64 + locator + end if is_large else end


def _local(one: _Written) -> bytes:
    is_behind = bool(one.flags & _SIZE_BEHIND)
    extra = struct.pack("<HHQQ", 1, 16, 0, 0) if is_behind else b""
    packed, size = (_MAX32, _MAX32) if is_behind else (one.packed, one.size)
    version = 45 if is_behind else 20
    moment = (one.moment & 0xFFFF, one.moment >> 16)
    names = (len(one.name), len(extra))
    head = _LOCAL.pack(b"PK\x03\x04", version, one.flags, _DEFLATED, *moment, one.crc, packed, size, *names)
    return head + one.name + extra


def _central(one: _Written) -> bytes:
    large = [number for number in (one.size, one.packed, one.offset) if number >= _MAX32]
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = 45 if large or one.flags & _SIZE_BEHIND else 20
    moment = (one.moment & 0xFFFF, one.moment >> 16)
    sizes = (min(one.packed, _MAX32), min(one.size, _MAX32))
    mode = _FOLDER_MODE if one.is_folder else _FILE_MODE
    rest = (len(one.name), len(extra), 0, 0, 0, mode, min(one.offset, _MAX32))
    made = _MADE_ON_UNIX | version
    head = _CENTRAL.pack(b"PK\x01\x02", made, version, one.flags, _DEFLATED, *moment, one.crc, *sizes, *rest)
    return head + one.name + extra


def _dos_time(seconds: int) -> int:
    """Time and date as MS-DOS has them, in UTC; from 1980 to 2107."""
    moment = datetime.fromtimestamp(min(max(seconds, 315532800), 4354819198), UTC)
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return date << 16 | moment.hour << 11 | moment.minute << 5 | moment.second // 2
