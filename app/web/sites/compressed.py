"""Files in a smaller form: one that lies beside (`page.html.br`, `.zst`, `.gz`), or one that we compress and keep.

A form beside the file counts while it is not older than the file. What we compress ourselves is kept in a directory of
the data directory under the digest of path and signature, so a changed file is compressed anew; the least used go when
there is too much. A form is written to a temporary name and renamed, so what is there is whole. It is made in a thread,
two files at a time; whoever asks meanwhile gets the file as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import os
from collections import OrderedDict
from pathlib import Path

from app.log import logger
from app.web.sites.filecontent import Content, Contents
from app.web.sites.openfile import Kind, Missing, Signature, Unreadable, look

SUFFIXES = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
KEPT = 512 << 20  # bytes
AT_ONCE = 2
_LEVEL = 6

log = logger("http")


class CompressedFiles:
    """The forms that we made."""

    def __init__(self, directory: Path, contents: Contents, limit: int = KEPT) -> None:
        self._directory = directory
        self._contents = contents
        self._limit = limit
        self._sizes: OrderedDict[str, int] | None = None  # by name, the least used first
        self._total = 0
        self._under_way: set[str] = set()

    async def beside(self, root: str, path: str, original: Signature, coding: str) -> Content | None:
        """The form that lies beside the file, if it is not older."""
        try:
            kind, signature = look(path + SUFFIXES[coding])
            if kind is not Kind.FILE or signature.modified_ns < original.modified_ns:
                return None
            return await self._contents.open(root, path + SUFFIXES[coding], signature)
        except (Missing, Unreadable):
            return None

    async def gzipped(self, path: str, original: Content) -> Content | None:
        """The file in gzip; None when it is not ready, not smaller, or cannot be made."""
        name = hashlib.sha256(f"{path}\0{original.signature}".encode(errors="surrogateescape")).hexdigest() + ".gz"
        sizes = self._known()
        try:
            if name not in sizes and not await self._make(name, original):
                return None
            sizes.move_to_end(name)
            made = str(self._directory / name)
            return await self._contents.open(str(self._directory), made, look(made)[1])
        except (Missing, Unreadable):
            self._forget(name)  # somebody took it away
        except OSError as error:
            log.warn("a file cannot be compressed", path=path, error=error)
        return None

    async def _make(self, name: str, original: Content) -> bool:
        """Write it; False when others are being made."""
        if name in self._under_way or len(self._under_way) >= AT_ONCE:
            return False
        self._under_way.add(name)
        try:
            data = b"".join([piece async for piece in original.read(0, original.signature.size)])
            size = await asyncio.to_thread(self._write, name, data)
        finally:
            self._under_way.discard(name)
        self._known()[name] = size
        self._total += size
        if gone := self._to_remove():
            await asyncio.to_thread(_remove, [self._directory / name for name in gone])
        return True

    def _write(self, name: str, data: bytes) -> int:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        smaller = gzip.compress(data, _LEVEL, mtime=0)
        part = self._directory / f"{name}.part{os.getpid()}"
        part.write_bytes(smaller)
        part.replace(self._directory / name)
        return len(smaller)

    def _known(self) -> OrderedDict[str, int]:
        if self._sizes is None:
            self._sizes = OrderedDict(_found(self._directory))
            self._total = sum(self._sizes.values())
        return self._sizes

    def _forget(self, name: str) -> None:
        self._total -= self._known().pop(name, 0)

    def _to_remove(self) -> list[str]:
        """What has to go for the newest to have room."""
        sizes, gone = self._known(), []
        while self._total > self._limit and len(sizes) > 1:
            gone.append(next(iter(sizes)))
            self._forget(gone[-1])
        return gone


def _remove(paths: list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _found(directory: Path) -> list[tuple[str, int]]:
    """What an earlier run left, the oldest first; what it did not finish is removed."""
    kept: list[tuple[float, str, int]] = []
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return []
    for entry in entries:
        with contextlib.suppress(OSError):
            if entry.name.endswith(".gz"):
                kept.append((entry.stat().st_mtime, entry.name, entry.stat().st_size))
            else:
                os.unlink(entry.path)
    return [(name, size) for _, name, size in sorted(kept)]
