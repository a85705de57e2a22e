"""Checks that both files need: account and mailbox names, files with keys, texts for SMTP replies.

Each records what is wrong through the `Places` of its file and goes on.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.config.reading import Path as SettingPath
from app.config.reading import Places
from app.errors import BadMailboxName
from app.wire.imap.mailboxname import canonical

MAX_REPLY_TEXT = 256
_REPLY_TEXT = re.compile(r"[ -~]*")


class Checks:
    """What the checks of a file share."""

    def __init__(self, places: Places, directory: Path | None) -> None:
        self.places = places
        self.directory = directory  # of the file; None to leave the files that it names alone

    def complain(self, path: SettingPath, text: str) -> None:
        """Record a problem."""
        self.places.complain(path, text)

    def mailbox(self, path: SettingPath, name: str) -> None:
        """The name of a mailbox."""
        try:
            written = canonical(name)
        except BadMailboxName as err:
            self.complain(path, str(err))
            return
        if written != name:
            self.complain(path, f"write this mailbox name in its canonical form, {written!r}")

    def reply_text(self, path: SettingPath, text: str) -> None:
        """A text that becomes part of a reply line."""
        if not _REPLY_TEXT.fullmatch(text):
            self.complain(path, "only printable ASCII characters are possible here")
        elif len(text) > MAX_REPLY_TEXT:
            self.complain(path, f"{len(text)} characters; at most {MAX_REPLY_TEXT} are possible")

    def file(self, path: SettingPath, name: str) -> bytes | None:
        """The content of a file that a setting names; None after a complaint, or when files are left alone."""
        if not name:
            self.complain(path, "give the name of a file")
            return None
        if self.directory is None:
            return None
        try:
            return (self.directory / name).read_bytes()
        except OSError as err:
            self.complain(path, f"{self.directory / name} cannot be read: {err.strerror}")
            return None
