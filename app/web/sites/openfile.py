"""Opening a file below a directory, and nothing else: the one place that decides what of a disk strangers can read.

The file is opened first and judged afterwards, by what is open and not by what a name may stand for by then: it must be
a regular file, and its real path must be below the real path of the root. So symbolic links within the root work, and
those that lead out of it, devices, pipes and sockets are not found.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass

MAX_NAME = 4096
_ODD = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO, errno.EINVAL, errno.EILSEQ)  # names that lead nowhere
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY  # a pipe without a writer must not hold us up


class Missing(Exception):
    """There is nothing that may be shown."""


class Unreadable(Exception):
    """It is there, but this server may not read it."""


class Kind(enum.Enum):
    """What a path leads to."""

    FILE = "file"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Signature:
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int  # bytes
    modified_ns: int  # since 1970
    changed_ns: int  # the same for its rights, too

    @property
    def etag(self) -> str:
        """A strong entity tag."""
        return f'"{self.modified_ns:x}-{self.size:x}-{self.inode:x}"'

    @property
    def modified(self) -> int:
        """Whole seconds since 1970."""
        return self.modified_ns // 1_000_000_000


def signature_of(status: os.stat_result) -> Signature:
    """The signature of what was looked at."""
    return Signature(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def look(path: str) -> tuple[Kind, Signature]:
    """What is at a path, links followed, without judging where. Raises Missing, Unreadable, OSError."""
    if len(path) > MAX_NAME or "\0" in path:
        raise Missing
    with _told():
        status = os.stat(path)
    if stat.S_ISREG(status.st_mode):
        return Kind.FILE, signature_of(status)
    if stat.S_ISDIR(status.st_mode):
        return Kind.DIRECTORY, signature_of(status)
    raise Missing


def open_below(root: str, path: str, kind: Kind) -> int:
    """A descriptor of a file or directory that is below the root, or the root itself; the caller closes it.

    Raises Missing, Unreadable, OSError.
    """
    if look(path)[0] is not kind:
        raise Missing
    with _told():
        descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        is_right = stat.S_ISREG(mode) if kind is Kind.FILE else stat.S_ISDIR(mode)
        if not is_right or not _is_below(root, path, descriptor):
            raise Missing
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_inside(root: str, path: str) -> bool:
    """Whether a path is below the root when all links are followed, as things are now; it need not be readable."""
    return _leads_below(os.path.realpath(root), os.path.realpath(path))


def _is_below(root: str, path: str, descriptor: int) -> bool:
    real_root = os.path.realpath(root)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return _leads_below(real_root, os.readlink(f"/proc/self/fd/{descriptor}"))
    real = os.path.realpath(path)
    return os.path.samestat(os.stat(real), os.fstat(descriptor)) and _leads_below(real_root, real)


def _leads_below(real_root: str, real: str) -> bool:
    return real == real_root or real.startswith(real_root.rstrip("/") + "/")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise Unreadable from None
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError) or error.errno in _ODD:
            raise Missing from None
        raise
