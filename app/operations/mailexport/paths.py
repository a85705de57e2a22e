"""Where the mail of a mailbox is put: paths that programs accept, that are read back, and that are never the same.

Elements of a mailbox name become folders. What a file system or the layout of the files would not bear is written
otherwise: elements over 200 bytes are cut; `cur`, `new` and `tmp`, which are parts of a Maildir, get a `_` behind, as
do names that end like files; names that begin with a dot get one in front, and a backslash becomes one.
"""

from __future__ import annotations

from typing import Final

from app.wire.imap.mailboxname import SEPARATOR

MAX_ELEMENT: Final = 200  # bytes; file systems have 255
_TAKEN: Final = ("cur", "new", "tmp")
MBOX: Final = ".mbox"
_ENDS: Final = (MBOX, ".sbd")


class Paths:
    """The paths of one export."""

    def __init__(self, suffix: str = "") -> None:
        """`suffix` is put behind the last element."""
        self._suffix = suffix
        self._used: set[str] = set()

    def path(self, mailbox: str) -> str:
        """The path of a mailbox, in a form that no other one has; case may not count where it is written."""
        elements = [_element(element) for element in mailbox.split(SEPARATOR)]
        stem, number = "/".join(elements), 1
        path = stem + self._suffix
        while path.lower() in self._used:
            number += 1
            path = f"{stem} ({number}){self._suffix}"
        self._used.add(path.lower())
        return path


def _element(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > MAX_ELEMENT:
        text = raw[:MAX_ELEMENT].decode("utf-8", "ignore")
    text = text.replace("\\", "_")
    if text.startswith("."):
        text = "_" + text
    return text + "_" if text in _TAKEN or text.lower().endswith(_ENDS) else text
