"""Finds out by its first bytes what an archive is; its name does not matter."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from app.errors import Refusal
from app.operations.archives.folderreading import FolderArchive
from app.operations.archives.member import Archive, ArchiveBroken, Member, OnDisk
from app.operations.archives.tarreading import BLOCK, TarArchive, is_header
from app.operations.archives.zipreading import ZipArchive

_KNOWN_OTHERS: Final = {
    b"!BDN": "an Outlook data file (PST or OST) cannot be read; bring the mail over IMAP, or export it as mbox",
    b"7z\xbc\xaf": "7z archives cannot be read; unpack it, and make a zip of it",
    b"Rar!": "rar archives cannot be read; unpack it, and make a zip of it",
    b"\xfd7zX": "xz cannot be read; unpack it, and compress it with gzip or zip",
    b"BZh": "bzip2 cannot be read; unpack it, and compress it with gzip or zip",
}


def open_archive(path: Path, name: str = "") -> Archive:
    """The archive at a path, or the one file that it is; `name` is what it was called. Raises Refusal."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return FolderArchive(path)
        if not stat.S_ISREG(mode):
            raise Refusal(f"{path} is neither a file nor a folder")
        with path.open("rb") as file:
            start = file.read(BLOCK)
            return _by_start(path, start, name or path.name)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}") from None


def _by_start(path: Path, start: bytes, name: str) -> Archive:
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return ZipArchive(path)
    if start[:2] == b"\x1f\x8b":
        inner = _unpacked(path)
        return OneFile(path, name) if not is_header(inner) and inner.startswith(b"From ") else TarArchive(path)
    if start[:5] == b"From " or name.lower().endswith((".mbox", ".eml")):
        return OneFile(path, name)
    if is_header(start):
        return TarArchive(path)
    for sign, words in _KNOWN_OTHERS.items():
        if start.startswith(sign):
            raise Refusal(words)
    raise Refusal("this is neither a zip or tar archive nor an mbox file")


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(BLOCK)
    except (OSError, EOFError, zlib.error):
        return b""


class OneFile(OnDisk):
    """A file that is no archive, perhaps compressed with gzip, as an archive of one."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self._stream: BinaryIO = self._file
        self._name = name

    def members(self) -> Iterator[Member]:
        """The file."""
        self._stream = self._unpacked()
        name = self._name
        if self._stream is not self._file and name.lower().endswith(".gz"):
            name = name[:-3]
        yield Member(path=name.replace("/", "_"), read=self._read)

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (EOFError, OSError, zlib.error):
            raise ArchiveBroken("the file is cut off or damaged; what was whole is taken") from None
        self.gauge.done = self._file.tell()
        self.gauge.expand(len(data))
        return data
