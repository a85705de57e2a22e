"""Several new files written together: all of them, or none.

Nothing is ever overwritten. Every file is synced; when anything fails, what was written before is removed again, with
the directories that were made for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import Refusal, Temporary

PRIVATE = 0o600
SHARED = 0o640  # the configuration, which the mox user may read
DIRECTORY = 0o750


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write."""

    path: Path
    content: bytes = field(repr=False)
    mode: int = SHARED


def refuse_existing(files: Sequence[NewFile]) -> None:
    """Raises Refusal when any of the files is there already."""
    if present := [str(file.path) for file in files if os.path.lexists(file.path)]:
        raise Refusal(f"there already: {', '.join(present)}; nothing was written, move it away first")


@contextlib.contextmanager
def written(files: Sequence[NewFile]) -> Iterator[None]:
    """Writes the files; they are removed again when the block they are for fails."""
    refuse_existing(files)
    made: list[Path] = []
    try:
        for file in files:
            _make_directories(file.path.parent, made)
            _write(file, made)
        _sync_directories(made)
        yield
    except BaseException as err:
        _remove(made)
        if isinstance(err, OSError):
            raise Temporary(f"cannot be written: {err.filename or ''} {err.strerror}") from err
        raise


def write_new_files(files: Sequence[NewFile]) -> None:
    """Write all of them; raises Refusal or Temporary, with none of them left."""
    with written(files):
        pass


def _make_directories(path: Path, made: list[Path]) -> None:
    if path.is_dir():
        return
    _make_directories(path.parent, made)
    path.mkdir(mode=DIRECTORY)
    made.append(path)


def _write(file: NewFile, made: list[Path]) -> None:
    descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
    made.append(file.path)
    with open(descriptor, "wb") as output:
        os.fchmod(descriptor, file.mode)
        output.write(file.content)
        output.flush()
        os.fsync(descriptor)


def _sync_directories(made: Sequence[Path]) -> None:
    for directory in {path.parent for path in made}:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(made: Sequence[Path]) -> None:
    for path in reversed(made):
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
