"""Reads the files of a folder and those below it, in the order of their names; of a Maildir, of the times in them.

Links are not followed. A folder may have a million files: then its names are gone through several times, a part of
them in memory at once. Files that come or go meanwhile are there or not; one that is gone is a member with a fault.
"""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from app.operations.archives.member import ArchiveBroken, Gauge, Member, MemberBroken

MAX_DEPTH: Final = 50
NAMES_AT_ONCE: Final = 50_000
_UNLIMITED: Final = 1 << 62
_DIGITS: Final = 12


class FolderArchive:
    """A folder on disk."""

    def __init__(self, path: Path) -> None:
        self._root = os.fsencode(path)
        self._open: BinaryIO | None = None
        self.gauge = Gauge(most=_UNLIMITED)

    def __enter__(self) -> FolderArchive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def members(self) -> Iterator[Member]:
        """All files and folders."""
        self.gauge.goal = max(self.gauge.goal, self.gauge.done)  # what the time before has counted
        self.gauge.done = 0
        yield from self._below(b"", 0)

    def _below(self, path: bytes, depth: int) -> Iterator[Member]:
        if depth > MAX_DEPTH:
            raise ArchiveBroken(f"there are folders more than {MAX_DEPTH} deep")
        folders: list[bytes] = []
        for name in ordered(os.path.join(self._root, path)):
            below = os.path.join(path, name)
            shown = os.fsdecode(below)
            mode = self._mode(below)
            self.gauge.done += 1
            if stat.S_ISDIR(mode):
                folders.append(below)
                yield Member(path=shown + "/")
            elif stat.S_ISREG(mode):
                yield Member(path=shown, read=_Content(self, below).read)
            elif mode:
                yield Member(path=shown, fault="it is a link" if stat.S_ISLNK(mode) else "it is no ordinary file")
        for below in folders:
            yield from self._below(below, depth + 1)
        self._close()

    def _mode(self, path: bytes) -> int:
        try:
            return os.lstat(os.path.join(self._root, path)).st_mode
        except OSError:  # gone since its name was read
            return 0

    def open(self, path: bytes) -> BinaryIO:
        """A file to read; the one before is closed."""
        self._close()
        try:
            descriptor = os.open(os.path.join(self._root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise MemberBroken(f"it cannot be read: {error.strerror}") from None
        self._open = os.fdopen(descriptor, "rb", buffering=0)
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class _Content:
    """The bytes of a file."""

    __slots__ = ("_file", "_folder", "_path")

    def __init__(self, folder: FolderArchive, path: bytes) -> None:
        self._folder = folder
        self._path = path
        self._file: BinaryIO | None = None

    def read(self, size: int) -> bytes:
        """Up to so many bytes more, none at the end; raises MemberBroken."""
        if self._file is None:
            self._file = self._folder.open(self._path)
        try:
            return self._file.read(size)
        except OSError as error:
            raise MemberBroken(f"it cannot be read: {error.strerror}") from None


def ordered(folder: bytes) -> Iterator[bytes]:
    """The names in a folder: by the number they begin with, then as text."""
    try:
        keys = array("Q", (_key(entry.name) for entry in os.scandir(folder)))
    except OSError as error:
        raise ArchiveBroken(f"{os.fsdecode(folder)} cannot be read: {error.strerror}") from None
    if len(keys) <= NAMES_AT_ONCE:
        yield from sorted((entry.name for entry in os.scandir(folder)), key=_sort_key)
        return
    keys = array("Q", sorted(keys))
    bounds = sorted({keys[place] for place in range(0, len(keys), NAMES_AT_ONCE)})
    for number, low in enumerate(bounds):
        high = bounds[number + 1] if number + 1 < len(bounds) else 1 << 64
        some = (entry.name for entry in os.scandir(folder) if low <= _key(entry.name) < high)
        yield from sorted(some, key=_sort_key)


def _key(name: bytes) -> int:
    digits = name[: _DIGITS + 1].partition(b".")[0]
    return int(digits) if digits.isdigit() else 0


def _sort_key(name: bytes) -> tuple[int, bytes]:
    return _key(name), name
