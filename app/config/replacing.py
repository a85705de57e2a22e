"""Replacing a configuration file in one step: there is a whole file at every moment, and it keeps its owner and mode.

The new content is written beside the file and synced, then renamed over it, then the directory is synced. Raises
OSError and leaves the old file when the disk does not take it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

PREVIOUS_SUFFIX = ".previous"


def replace_file(path: Path, data: bytes, *, previous: bytes) -> None:
    """Replace a file; `previous` is kept beside it as NAME.previous."""
    status = path.stat()
    # A copy and no rename of the old file, so that there is a file at every moment.
    place_file(path.with_name(path.name + PREVIOUS_SUFFIX), previous, status)
    place_file(path, data, status)
    sync_directory(path.parent)


def place_file(path: Path, data: bytes, like: os.stat_result) -> None:
    """Put a file in place with the mode and owner of another; the name is durable after `sync_directory`."""
    temporary = path.with_name(path.name + ".new")
    try:
        _write_synced(temporary, data, like)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def make_directory(path: Path, like: os.stat_result) -> None:
    """A directory, unless it is there, that those may enter who may read the file with this status."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    mode = stat.S_IMODE(like.st_mode) & 0o770
    path.chmod(0o700 | mode | (mode & 0o440) >> 2)
    if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.chown(path, like.st_uid, like.st_gid)


def sync_directory(path: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, data: bytes, like: os.stat_result) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, like.st_uid, like.st_gid)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
