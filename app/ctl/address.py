"""Where the control socket is, as a name that the system takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

MAX_PATH_BYTES = 100  # unix sockets have no longer names


@contextlib.contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name that is short enough for the system, by way of the open directory if need be."""
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
