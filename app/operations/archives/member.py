"""A file that an archive has, as it is read; and what may go wrong.

    with open_archive(path) as archive:
        for member in archive.members():
            data = member.read(65536)          # until the next member is asked for

`ArchiveBroken` ends the reading: what comes after cannot be found. `MemberBroken` is about one file. Both say why in
words for a person.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self, cast

from app.errors import Refusal

MAX_PATH: Final = 4096  # bytes
MAX_EXPANDED: Final = 1 << 30  # bytes that any archive may expand to
MAX_RATIO: Final = 200  # beyond that, times its own size; mail gets ten times smaller, not a thousand times


class ArchiveBroken(Refusal):
    """The archive cannot be read on."""


class MemberBroken(Refusal):
    """A file in it cannot be read."""


def _nothing(size: int) -> bytes:
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file, or a folder when its path ends with a slash; `fault` says why it cannot be read at all."""

    path: str
    read: Callable[[int], bytes] = _nothing
    fault: str = ""


@dataclass(slots=True)
class Gauge:
    """How much of an archive was gone through, in whatever it counts; and how far it expanded."""

    goal: int = 0
    done: int = 0
    expanded: int = 0
    most: int = field(default=MAX_EXPANDED)

    def expand(self, size: int) -> None:
        """Count bytes that came out; raises ArchiveBroken when that is more than mail can be."""
        self.expanded += size
        if self.expanded > self.most:
            raise ArchiveBroken("the archive expands to very much more than its own size; no mail does that")


def gauge_for(size: int) -> Gauge:
    """The gauge of an archive of so many bytes."""
    return Gauge(goal=size, most=max(MAX_EXPANDED, size * MAX_RATIO))


class Archive(Protocol):
    """What can be read. Blocks, so a server does it in threads."""

    gauge: Gauge

    def members(self) -> Iterator[Member]:
        """All files and folders from the start, in order; may be called again."""

    def __enter__(self) -> Archive:
        """The archive."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""


class OnDisk:
    """What archives that are a file have in common."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._size = path.stat().st_size
        self.gauge = gauge_for(self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _unpacked(self) -> BinaryIO:
        """The bytes from the start on, without the compression of gzip when they have it."""
        self._file.seek(0)
        self.gauge = gauge_for(self._size)
        is_packed = self._file.read(2) == b"\x1f\x8b"
        self._file.seek(0)
        return cast(BinaryIO, gzip.GzipFile(fileobj=self._file)) if is_packed else self._file
