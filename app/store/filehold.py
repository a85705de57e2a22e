"""Keeps the files of messages where they are while a backup goes through them.

    with held(directory): ...                   who copies: no file in the directory is removed meanwhile
    with removal(directory) as is_allowed: ...  who removes: asks first, and comes back later

A lock on the directory of an account, or of the queue, that the system lets go of when its process ends, however that
ends. So a backup needs nothing of a running server, works the same without one, and one that is killed leaves nothing.
Files may be added at any time. On file systems without locks removal is always allowed; the backup then says what went.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """No file below is removed; waits for a removal that goes on, which is short."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def removal(directory: Path) -> Iterator[bool]:
    """Whether files below may be removed now."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        yield _is_free(descriptor)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
