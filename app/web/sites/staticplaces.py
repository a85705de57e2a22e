"""What a path leads to among the files of a handler: a file, the path with a slash, a list, or nothing to be listed.

Both the answer (`staticfiles`) and its explanation (`explain`) ask here. Files are looked at and not opened: whoever
sends one opens it with `openfile.open_below`, which judges where it really is.
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass

from app.config.webhandlers import WebStatic
from app.web.sites.openfile import Kind, Missing, Signature, is_inside, look, open_below

INDEX = "index.html"


class Does(enum.Enum):
    """What is done with a path."""

    FILE = "file"
    REDIRECT = "redirect"  # to the same path with a slash behind
    LIST = "list"
    NO_LIST = "no list"  # it is a directory, and may not be listed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    does: Does
    path: str  # of a file or directory
    signature: Signature


def find_place(setting: WebStatic, root: str, shown: str) -> Place:
    """Where `shown`, a clean path, leads below the absolute root. Raises Missing, Unreadable, OSError."""
    prefix = setting.strip_prefix
    if not shown.startswith(prefix):
        raise Missing
    path = os.path.join(root, shown[len(prefix) :].strip("/"))
    kind, signature = look(path)
    if kind is Kind.FILE:
        if shown.endswith("/"):
            raise Missing
        return Place(Does.FILE, path, signature)
    if not shown.endswith("/"):
        if not is_inside(root, path):
            raise Missing
        return Place(Does.REDIRECT, path, signature)
    return _index(path) or _directory(setting, root, path, signature)


def _index(path: str) -> Place | None:
    index = os.path.join(path, INDEX)
    try:
        kind, signature = look(index)
    except Missing:
        return None
    return Place(Does.FILE, index, signature) if kind is Kind.FILE else None


def _directory(setting: WebStatic, root: str, path: str, signature: Signature) -> Place:
    if setting.list_files:
        return Place(Does.LIST, path, signature)
    os.close(open_below(root, path, Kind.DIRECTORY))  # one elsewhere does not exist
    return Place(Does.NO_LIST, path, signature)
