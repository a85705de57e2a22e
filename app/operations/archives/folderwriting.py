"""Files below a folder, which is made; a file that is there already is not touched, and ends it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from app.errors import Refusal, Temporary
from app.operations.archives.entry import Entry

_FILE_MODE = 0o600


def write_folder(entries: Iterable[Entry], root: Path) -> int:
    """Write the files; how many. Raises Refusal, Temporary. A file that could not be finished is taken away."""
    count = 0
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for entry in entries:
            _write(entry, root / entry.path)
            count += not entry.is_folder
    except FileExistsError as error:
        raise Refusal(f"{error.filename} is there already; write to a new folder") from None
    except OSError as error:
        raise Temporary(f"cannot write {error.filename or root}: {error.strerror}") from None
    return count


def _write(entry: Entry, path: Path) -> None:
    if entry.is_folder:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    try:
        with open(descriptor, "wb") as file:
            for chunk in entry.chunks:
                file.write(chunk)
        os.utime(path, (entry.modified, entry.modified))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
