"""One server, or one command that changes things, for each data directory: a lock on the file `lock` in it.

    with DataLock(data_dir): ...        or .take() and .release()

The system lets go of the lock when the process ends, however it ends, so nothing is left to clean up and no process id
is ever trusted; the id in the file is only for the message. Raises DataInUse with words that say what to do, before
anything else of the directory is touched. Holds between processes, and between two objects in one process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType

from app.errors import StoreError

LOCK_NAME = "lock"
MODE = 0o660


class DataInUse(StoreError):
    """Another process works on the data directory; `busy` says which one and where."""

    def __init__(self, busy: str) -> None:
        super().__init__(f"{busy}; a running server is ended with 'stop'")
        self.busy = busy


class DataLock:
    """The lock of a data directory, which is made when absent."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = None

    def __enter__(self) -> DataLock:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> None:
        """Have the lock; raises DataInUse at once when another has it, StoreError when the file cannot be opened."""
        path = self._data_dir / LOCK_NAME
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        except OSError as error:
            raise StoreError(f"cannot use {path}: {error.strerror}") from None
        try:
            _require_own_file(descriptor, path)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except StoreError:
            os.close(descriptor)
            raise
        except OSError:
            owner = _owner(descriptor)
            os.close(descriptor)
            who = f"process {owner}" if owner else "another process"
            raise DataInUse(f"{who} works on {self._data_dir}") from None
        with contextlib.suppress(OSError):  # a full disk; the lock holds without it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; the file stays, as another may be about to lock it."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # also for the processes that were forked with it
            os.close(self._descriptor)
            self._descriptor = None


def _require_own_file(descriptor: int, path: Path) -> None:
    """Root locks a directory that the mox user owns: what we write to may not be somebody else's file."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise StoreError(f"cannot use {path}: it is not a file of its own; remove it")


def _owner(descriptor: int) -> str:
    """The process id in the file, when there is one."""
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return text if text.isdigit() else ""
