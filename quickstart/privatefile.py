"""Small files that only their owner may read, replaced in one step: the set-up's answers, its link, its lock.

`replace` leaves the old content or the new one on disk, whatever happens in between, and is on stable storage when it
returns. `locked` serialises what several processes do to the files of one directory; the system lets go of it when a
process ends. Raises Temporary when the disk does not take it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from app.errors import Temporary

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700


def make_directory(path: Path) -> None:
    """Make the directory, when absent, for its owner only; raises Temporary when it is not ours alone."""
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        found = path.lstat()
        if found.st_uid != os.geteuid() or path.is_symlink():
            raise Temporary(f"{path} belongs to another user; start again as that user, or in another directory")
        path.chmod(PRIVATE_DIRECTORY)
    except OSError as error:
        raise _failed(path, error) from error


def replace(path: Path, content: bytes) -> None:
    """Give the file this content."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
        with open(descriptor, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise _failed(path, error) from error


def read(path: Path) -> bytes:
    """The content; empty when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Temporary(f"{path} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have the lock while the block lasts; waits for another process that has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise _failed(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on stable storage."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(path: Path, error: OSError) -> Temporary:
    return Temporary(f"{path} cannot be written: {error.strerror or error}")
