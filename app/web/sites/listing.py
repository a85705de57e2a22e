"""The list of what is in a directory without index.html, where the handler has ListFiles."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from app.web.sites.openfile import Kind, Missing, Unreadable, look, open_below
from app.web.templates import render

MAX_ENTRIES = 5000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory."""

    name: str
    is_directory: bool
    size: int  # bytes
    modified: float  # seconds since 1970


def listing(root: str, path: str, shown: str) -> bytes:
    """The page about a directory, which visitors know as `shown`. Raises Missing, Unreadable, OSError."""
    descriptor = open_below(root, path, Kind.DIRECTORY)
    try:
        names = sorted(os.listdir(descriptor))
        entries = [entry for name in names[:MAX_ENTRIES] if (entry := _entry(root, path, name, descriptor)) is not None]
    finally:
        os.close(descriptor)
    entries.sort(key=lambda entry: (not entry.is_directory, entry.name.lower()))
    left_out = max(0, len(names) - MAX_ENTRIES)
    has_parent = path.rstrip("/") != root
    page = render("sites/listing.html", path=shown, entries=entries, has_parent=has_parent, left_out=left_out)
    return page.encode("utf-8", "replace")


def _entry(root: str, path: str, name: str, descriptor: int) -> Entry | None:
    """What can be asked for; pipes, names that are not UTF-8, and links that lead nowhere or out of the root cannot."""
    try:
        name.encode()
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            kind, _ = look(target := os.path.join(path, name))
            os.close(open_below(root, target, kind))
            status = os.stat(name, dir_fd=descriptor)
    except (OSError, UnicodeEncodeError, Missing, Unreadable):
        return None
    is_directory = stat.S_ISDIR(status.st_mode)
    if not is_directory and not stat.S_ISREG(status.st_mode):
        return None
    return Entry(name, is_directory, status.st_size, status.st_mtime)
