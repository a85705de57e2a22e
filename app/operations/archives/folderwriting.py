"""Files below a folder, which is new or empty: all of them, or nothing is left of it.

They are written to a folder beside with another name, which gets its own at the end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.errors import Refusal, Temporary
from app.operations.archives.entry import Entry

_FILE_MODE = 0o600


def write_folder(entries: Iterable[Entry], root: Path) -> int:
    """Write the files; how many. Raises Refusal when something is there already, Temporary."""
    count = 0
    try:
        with _unfinished(root) as place:
            for entry in entries:
                _write(entry, place / entry.path)
                count += not entry.is_folder
    except FileExistsError as error:
        raise Refusal(f"{error.filename} is there already; write to a new folder") from None
    except OSError as error:
        raise Temporary(f"cannot write {error.filename or root}: {error.strerror}") from None
    return count


@contextlib.contextmanager
def _unfinished(root: Path) -> Iterator[Path]:
    """Where to write meanwhile."""
    if os.path.lexists(root):
        with _emptied(root) as place:
            yield place
        return
    root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = Path(tempfile.mkdtemp(prefix=f"{root.name}.unfinished-", dir=root.parent))
    try:
        yield place
        os.rename(place, root)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


@contextlib.contextmanager
def _emptied(root: Path) -> Iterator[Path]:
    """An empty folder that is there, such as a disk of its own, which cannot get another name."""
    if not root.is_dir() or any(root.iterdir()):
        raise Refusal(f"{root} is there already; write to a new folder")
    try:
        yield root
    except BaseException:
        for path in root.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise


def _write(entry: Entry, path: Path) -> None:
    if entry.is_folder:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    with open(descriptor, "wb") as file:
        for chunk in entry.chunks:
            file.write(chunk)
    os.utime(path, (entry.modified, entry.modified))
