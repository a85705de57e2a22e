"""A configuration file as text: read, compared with what was seen, replaced in one step, every version kept.

What people are shown has no secrets in it (`masking.py`); a text that comes back from them has the secrets put back.
The digest of the file tells whether somebody changed it between the two: `require` raises Conflict with the present
text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.clock import Clock
from app.config import replacing
from app.config.history import Author, History, resolved
from app.config.masking import diff, mask, unmask
from app.errors import ConfigError, Conflict, Problem, Temporary


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as people may see it; `digest` goes back with what they make of it."""

    text: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change would do: everything wrong with it, and the difference to the file as it is."""

    problems: Sequence[Problem]
    diff: Sequence[str]


class ConfigFile:
    """One of the two files."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.history = History(path, clock)

    def read(self) -> bytes:
        """The file; raises Temporary."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise Temporary(f"{self.path} cannot be read: {error.strerror}") from error

    def shown(self) -> Shown:
        """The file for people."""
        return _shown(self.read())

    def require(self, seen: str) -> bytes:
        """The file, when it is the one with the digest `seen`; raises Conflict."""
        present = self.read()
        shown = _shown(present)
        if seen != shown.digest:
            text = f"{self.path.name} was changed meanwhile by somebody else; look at it again and repeat your change"
            raise Conflict(text, present=shown.text, digest=shown.digest)
        return present

    def from_people(self, text: bytes, present: bytes) -> bytes:
        """A text with the line ends of a form made whole, and with its secrets; raises ConfigError."""
        lines = text.replace(b"\r\n", b"\n")
        if lines and not lines.endswith(b"\n"):
            lines += b"\n"
        return unmask(lines, present, self.path.name)

    def plan(self, text: bytes, check: Callable[[bytes], Sequence[Problem]]) -> Plan:
        """What writing a text of people would do; `check` finds what is wrong with it."""
        present = self.read()
        try:
            data = self.from_people(text, present)
        except ConfigError as error:
            return Plan(problems=error.problems, diff=())
        return Plan(problems=check(data), diff=diff(present, data))

    def replace(self, present: bytes, data: bytes, author: Author) -> None:
        """Write the file; `present` is kept as NAME.previous and in the history. Raises Temporary."""
        try:
            self.history.note(present)
            replacing.replace_file(self.path, data, previous=present)
        except OSError as error:
            raise Temporary(f"{self.path} cannot be written: {error.strerror}") from error
        self.history.keep(data, resolved(author))


def _shown(data: bytes) -> Shown:
    return Shown(mask(data), digest(data))


def digest(data: bytes) -> str:
    """What tells one state of a file from another."""
    return hashlib.sha256(data).hexdigest()
