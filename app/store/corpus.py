"""Files of messages: mailbox files (mbox), Maildirs and directories, read one message at a time.

Messages have bare LF or CRLF line ends, as they were written. A mailbox file is a file that begins with a `From ` line;
each further line that does begins a message, and `>From ` lines lose one `>`. In a Maildir
the messages of `new` and `cur` are read, in a directory all files below it but hidden ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from app.errors import StoreError

MAX_MESSAGE: Final = 32 * 1024 * 1024  # bytes; of a longer one the beginning is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A message, and where it was found."""

    place: str
    data: bytes


def read_samples(path: Path) -> Iterator[Sample]:
    """The messages of a file or directory, in the order of names. Raises StoreError for what cannot be read."""
    try:
        if not path.is_dir():
            yield from _read_file(path)
            return
        roots = [path / "new", path / "cur"] if (path / "cur").is_dir() else [path]
        for root in roots:
            for file in _files(root):
                yield from _read_file(file)
    except OSError as error:
        raise StoreError(f"cannot read {error.filename or path}: {error.strerror}") from error


def _files(root: Path) -> Iterator[Path]:
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = sorted(name for name in subdirectories if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(directory, name)


def _read_file(path: Path) -> Iterator[Sample]:
    with path.open("rb") as file:
        if file.read(5) == b"From ":
            file.readline(MAX_MESSAGE)
            yield from _split(path, file)
        else:
            file.seek(0)
            yield Sample(place=str(path), data=file.read(MAX_MESSAGE))


def _split(path: Path, file: BinaryIO) -> Iterator[Sample]:
    number, lines, size = 1, list[bytes](), 0
    while line := file.readline(MAX_MESSAGE):
        if line.startswith(b"From "):
            yield Sample(place=f"{path}:{number}", data=b"".join(lines))
            number, lines, size = number + 1, [], 0
        elif size < MAX_MESSAGE:
            lines.append(line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line)
            size += len(line)
    yield Sample(place=f"{path}:{number}", data=b"".join(lines))
