"""A tar archive as a stream of bytes, in the pax form of POSIX.1-2001, and its gzip compression (RFC 1952).

A tar archive says the size of a file before its bytes, so one whose size is not known waits in a temporary file.
"""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from app.operations.archives.entry import Entry

LEVEL: Final = 5
_COPY: Final = 256 * 1024
_IN_MEMORY: Final = 1 << 20


def tar(entries: Iterable[Entry], tmp_dir: Path | None = None) -> Iterator[bytes]:
    """The bytes of the archive."""
    for entry in entries:
        if entry.size is None:
            yield from _measured(entry, tmp_dir)
        else:
            yield _header(entry, entry.size)
            yield from entry.chunks
            yield _padding(entry.size)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _measured(entry: Entry, tmp_dir: Path | None) -> Iterator[bytes]:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(tmp_dir) if tmp_dir else None) as file:
        for chunk in entry.chunks:
            file.write(chunk)
        size = file.tell()
        file.seek(0)
        yield _header(entry, size)
        while data := file.read(_COPY):
            yield data
        yield _padding(size)


def _header(entry: Entry, size: int) -> bytes:
    info = tarfile.TarInfo(entry.path.rstrip("/"))
    info.size, info.mtime = size, entry.modified
    info.type, info.mode = (tarfile.DIRTYPE, 0o700) if entry.is_folder else (tarfile.REGTYPE, 0o600)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes, compressed."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
