"""The content of files: small ones are kept in memory, large ones are read piece by piece.

What is kept is used only while the file on the disk is the same by its signature, which costs one look at it. Reading
happens in threads. A file that gets shorter while it is sent raises OSError, so that the answer breaks off.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import TypeAlias

from app.web.sites.mediatypes import SNIFFED, media_type
from app.web.sites.openfile import Kind, Signature, open_below, signature_of

SMALL = 256 * 1024  # bytes of a file that is kept
KEPT = 32 << 20  # bytes of all that are kept
PIECE = 512 * 1024

_Key: TypeAlias = tuple[str, str]  # root and path: what one handler may show, another may not


@dataclass(slots=True)
class Content:
    """An open file; `close` it."""

    signature: Signature
    media_type: str
    last_modified: str
    data: bytes | None = None  # all of it, when it is small
    descriptor: int = -1

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`; raises OSError when they are not there any more."""
        if self.data is not None:
            yield self.data if end - start == len(self.data) else self.data[start:end]
            return
        while start < end:
            piece = await asyncio.to_thread(os.pread, self.descriptor, min(PIECE, end - start), start)
            if not piece:
                raise OSError("the file got shorter while it was sent")
            yield piece
            start += len(piece)

    def close(self) -> None:
        """The file is needed no more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Contents:
    """Opens files, and keeps the small ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Content] = OrderedDict()
        self._bytes = 0

    async def open(self, root: str, path: str, seen: Signature) -> Content:
        """The file at a path below the root, which was just `seen` there; raises Missing, Unreadable, OSError."""
        key = (root, path)
        kept = self._kept.get(key)
        if kept is not None and kept.signature == seen:
            self._kept.move_to_end(key)
            return kept
        content = await asyncio.to_thread(_open, root, path)
        if content.data is not None:
            self._keep(key, content)
        return content

    def _keep(self, key: _Key, content: Content) -> None:
        before = self._kept.pop(key, None)
        self._bytes += content.signature.size - (before.signature.size if before is not None else 0)
        self._kept[key] = content
        while self._bytes > KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.signature.size


def _open(root: str, path: str) -> Content:
    descriptor = open_below(root, path, Kind.FILE)
    try:
        signature = signature_of(os.fstat(descriptor))
        is_small = signature.size <= SMALL
        start = os.pread(descriptor, SMALL if is_small else SNIFFED, 0)
        if is_small and len(start) != signature.size:
            raise OSError("the file changed while it was read")
    except BaseException:
        os.close(descriptor)
        raise
    content = Content(
        signature, media_type(path.rpartition("/")[2], start), formatdate(signature.modified, usegmt=True)
    )
    if is_small:
        os.close(descriptor)
        content.data = start
    else:
        content.descriptor = descriptor
    return content
