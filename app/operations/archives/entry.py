"""A file that is to be written: into a folder, a zip or a tar archive."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field


def _now() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, or a folder when its path ends with a slash; its bytes are made while they are written."""

    path: str
    modified: int = field(default_factory=_now)  # seconds since 1970
    size: int | None = 0  # None: not known beforehand
    chunks: Iterable[bytes] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.endswith("/")


def small(path: str, data: bytes) -> Entry:
    """A file whose bytes are at hand."""
    return Entry(path=path, size=len(data), chunks=(data,))
