"""A message on its way in: in memory up to 256 KiB, in a temporary file above.

    spool = Spool(data_dir / "tmp")
    spool.write(chunk) ...
    body = spool.finish()     # size, and data as bytes or as a memory map
    body.discard()            # when nobody stored it

The temporary file is fsynced by `finish`, so that storing it is only a rename. Writing raises `Temporary` when the disk
is full; what is written after that is forgotten, and `finish` raises it again. `discard` may always be called again,
and a file that was moved into the store is not touched by it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import Temporary

MEMORY_LIMIT = 256 * 1024  # the size up to which a body lives in a database row


@dataclass(slots=True)
class Body:
    """The bytes of a message; `path` is set while they are in a temporary file of ours."""

    size: int
    data: bytes | mmap.mmap
    path: Path | None = None

    @staticmethod
    def of(data: bytes) -> Body:
        """A body that is in memory already."""
        return Body(len(data), data)

    def discard(self) -> None:
        """Remove the temporary file, if there still is one."""
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            self.path = None


class Spool:
    """Collects the bytes of one message."""

    __slots__ = ("_chunks", "_failure", "_file", "_path", "size", "tmp_dir")

    def __init__(self, tmp_dir: Path) -> None:
        self.tmp_dir = tmp_dir
        self.size = 0
        self._chunks: list[bytes] = []
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._failure: Temporary | None = None

    def write(self, data: bytes) -> None:
        """Append bytes; quick while small, a file write above the memory limit."""
        if self._failure is not None:
            return
        self.size += len(data)
        if self._file is None:
            self._chunks.append(data)
            if self.size > MEMORY_LIMIT:
                self._to_file()
            return
        self._write_file(data)

    def finish(self) -> Body:
        """What was written, durable when it is in a file. The spool is empty afterwards."""
        if self._failure is not None:
            raise self._failure
        if self._file is None:
            data = b"".join(self._chunks)
            self._chunks = []
            return Body(len(data), data)
        file, self._file = self._file, None
        try:
            file.flush()
            os.fsync(file.fileno())
            data_map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as err:
            self.discard()
            raise Temporary(f"cannot store the message: {err}") from err
        finally:
            with contextlib.suppress(OSError):  # it tries again to write what could not be written
                file.close()
        path, self._path = self._path, None
        return Body(self.size, data_map, path)

    def discard(self) -> None:
        """Forget everything; also removes the temporary file."""
        self._chunks = []
        self.size = 0
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _to_file(self) -> None:
        try:
            descriptor, name = tempfile.mkstemp(prefix="message-", dir=self.tmp_dir)
        except OSError as err:
            raise self._failed(f"cannot make a temporary file: {err}") from err
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 20)
        chunks, self._chunks = self._chunks, []
        for chunk in chunks:
            self._write_file(chunk)

    def _write_file(self, data: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(data)
        except OSError as err:
            raise self._failed(f"cannot store the message: {err}") from err

    def _failed(self, reason: str) -> Temporary:
        self.discard()
        self._failure = Temporary(reason)
        return self._failure
