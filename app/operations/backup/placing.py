"""Puts files into the folder of a backup: as hard links, links to an earlier backup, or copies.

Raises OSError when the folder cannot take it (full, no permission). What cannot be read at the source is noted in the
tally and left out.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from app.store import databasecopy
from app.store.databasecopy import sync

PIECE: Final = 1 << 20
DIRECTORY_MODE: Final = 0o750
_READS: Final = frozenset((sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ))


@dataclass(slots=True)
class Tally:
    """What a backup consists of so far."""

    files: int = 0
    linked: int = 0  # of the files: those that took no room
    copied_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class SourceUnreadable(Exception):
    """The fault is on the side of what is backed up."""


class Placing:
    """The folder of a backup, while it is filled. Paths are relative to it."""

    def __init__(self, root: Path, earlier: Path | None = None, *, links: bool = True) -> None:
        """`earlier` is a backup to which equal files are linked; without `links` nothing is linked to the source."""
        self.root = root
        self.tally = Tally()
        self._earlier = earlier
        self._links = links
        self._directories: set[Path] = {root}

    def directory(self, name: Path) -> Path:
        """Have a directory, and those above it."""
        path = self.root / name
        if path not in self._directories:
            if path != self.root:
                self.directory(name.parent)
            path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
            self._directories.add(path)
        return path

    def database(self, source: Path, name: Path) -> None:
        """One state of a database. One that SQLite cannot read is copied as it is, for what can be saved of it."""
        target = self.directory(name.parent) / name.name
        try:
            databasecopy.copy_file(source, target)
        except sqlite3.Error as error:
            target.unlink(missing_ok=True)
            if _is_ours(error):
                raise OSError(0, str(error)) from None
            try:
                self._copy(source, target)
            except SourceUnreadable as unreadable:
                target.unlink(missing_ok=True)
                self.tally.faults.append(f"{name} cannot be read: {unreadable}")
                return
            self.tally.faults.append(f"{name} is damaged, and copied as it is: {error}")
        _have_owner(source.stat(), target)
        self._count(target, is_linked=self._link_equal(name, target))

    def message(self, source: Path, name: Path, sha256: bytes | None = None) -> None:
        """A file whose bytes never change; one named after its hash is not read when an earlier backup has it."""
        target = self.directory(name.parent) / name.name
        earlier = self._earlier / name if self._earlier and sha256 else None
        if (self._links and _link(source, target)) or (
            earlier is not None and _same_size(earlier, source) and _link(earlier, target)
        ):
            self._count(target, is_linked=True)
            return
        self.file(source, name, sha256)

    def file(self, source: Path, name: Path, sha256: bytes | None = None) -> None:
        """A copy of a file as it is now."""
        target = self.directory(name.parent) / name.name
        try:
            found = self._copy(source, target)
        except SourceUnreadable as error:
            if source.exists():  # else it went away meanwhile
                self.tally.faults.append(f"{name} cannot be read: {error}")
            return
        if sha256 is not None and found != sha256:
            self.tally.faults.append(f"{name} is damaged: its hash is wrong")
        self._count(target, is_linked=self._link_equal(name, target))

    def write(self, name: str, content: bytes) -> None:
        """A file of our own."""
        with (self.root / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def sync(self) -> None:
        """Bring the entries of all directories to stable storage."""
        for path in sorted(self._directories, reverse=True):
            sync(path)

    def _copy(self, source: Path, target: Path) -> bytes:
        """Copy durably; returns the hash of what was copied."""
        digest = hashlib.sha256()
        with _opened(source) as reading, target.open("xb") as writing:
            while data := _read(reading):
                digest.update(data)
                writing.write(data)
            writing.flush()
            _have_owner(os.fstat(reading.fileno()), target)
            os.fsync(writing.fileno())
        return digest.digest()

    def _link_equal(self, name: Path, target: Path) -> bool:
        """Have the earlier backup's file instead, when it has the same bytes."""
        earlier = self._earlier / name if self._earlier else None
        if earlier is None or not _same_size(earlier, target) or not filecmp.cmp(earlier, target, shallow=False):
            return False
        beside = target.with_name(target.name + ".earlier")
        if not _link(earlier, beside):
            return False
        os.replace(beside, target)
        beside.unlink(missing_ok=True)
        return True

    def _count(self, target: Path, *, is_linked: bool) -> None:
        self.tally.files += 1
        if is_linked:
            self.tally.linked += 1
        else:
            self.tally.copied_bytes += target.stat().st_size


def _is_ours(error: sqlite3.Error) -> bool:
    """Whether the copy could not be written, rather than the source read."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code == sqlite3.SQLITE_FULL or (code & 0xFF == sqlite3.SQLITE_IOERR and code not in _READS)


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise SourceUnreadable(error.strerror) from None


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(PIECE)
    except OSError as error:
        raise SourceUnreadable(error.strerror) from None


def _link(source: Path, target: Path) -> bool:
    """Whether there is a hard link now; across file systems, and for files of others, there is none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _same_size(one: Path, other: Path) -> bool:
    try:
        return not one.is_symlink() and one.stat().st_size == other.stat().st_size
    except OSError:
        return False


def _have_owner(source: os.stat_result, target: Path) -> None:
    """A copy made by root belongs to whom the original does, so that it can be put back as it is."""
    os.chmod(target, source.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(target, source.st_uid, source.st_gid)
