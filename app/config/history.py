"""Earlier versions of a configuration file: every state that a change made, who made it, and what it was about.

    config/history/domains.conf.000042      a line of comment with the facts as JSON, then the file byte for byte

The versions stand beside the file, not in the data directory: they belong to the same backup, have its owner and mode,
and can be read and copied back with the simplest tools when nothing runs. The newest is the file as it is, unless it
was edited by hand; such a state is kept at the next change. At most `MAX_VERSIONS` are kept.

History never stands in the way of a change: when a version cannot be written, the log says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from app.clock import Clock
from app.config import replacing
from app.config.masking import diff
from app.errors import StoreError, Temporary
from app.log import logger

DIRECTORY = "history"
MAX_VERSIONS = 100
MAX_TEXT = 200
BY_HAND = "edited in the file"
FIRST = "as it was before the first change here"
_HEAD = b"# version: "

_log = logger("config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who makes a change and what it is about; both are words for people."""

    by: str = ""
    what: str = ""
    otherwise: str = ""  # what it is about, found out from the change, when nobody says it


NOBODY = Author()
AUTHOR: ContextVar[Author] = ContextVar("author", default=NOBODY)


@contextmanager
def signed(by: str, what: str = "") -> Iterator[None]:
    """Changes below are made by this person, where they do not say otherwise: operations need not pass it on."""
    token = AUTHOR.set(Author(by=by, what=what))
    try:
        yield
    finally:
        AUTHOR.reset(token)


def resolved(author: Author) -> Author:
    """The author of a change, with what `signed` says where the change itself says nothing."""
    said = AUTHOR.get()
    return Author(by=author.by or said.by, what=author.what or said.what or author.otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A state of the file; `number` only grows."""

    number: int
    time: float  # when it came to be, in seconds since 1970
    by: str
    what: str


class NoSuchVersion(StoreError):
    """The version is not kept, or not any more."""


class History:
    """The versions of one file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.directory = path.parent / DIRECTORY
        self._clock = clock
        self._name = re.compile(re.escape(path.name) + r"\.([0-9]{6,12})")

    def list(self) -> Sequence[Version]:
        """All versions, the newest first."""
        found = (self._read(number) for number in reversed(self._numbers()))
        return [kept.version for kept in found if kept is not None]

    def text(self, number: int) -> bytes:
        """The file as it was; raises NoSuchVersion."""
        if (kept := self._read(number)) is None:
            raise NoSuchVersion(f"version {number} of {self.path.name} is not kept any more")
        return kept.data

    def diff(self, number: int, now: bytes) -> Sequence[str]:
        """What changed from a version to `now`, as lines of a unified diff without secrets."""
        return diff(self.text(number), now)

    def changes(self, number: int) -> Sequence[str]:
        """What changed from the version before to this one; all of it in the oldest."""
        earlier = [other for other in self._numbers() if other < number]
        return diff(self.text(earlier[-1]) if earlier else b"", self.text(number))

    def note(self, present: bytes) -> None:
        """Keep the file as it is before a change, when it is not the newest version: somebody edited it."""
        numbers = self._numbers()
        try:
            newest = self._read(numbers[-1]) if numbers else None
        except Temporary:
            newest = None
        if newest is None or newest.data != present:
            what = BY_HAND if numbers else FIRST
            self._keep(present, Author(what=what), self.path.stat().st_mtime)

    def keep(self, data: bytes, author: Author) -> None:
        """Keep what a change made of the file."""
        self._keep(data, author, self._clock.now())

    def _keep(self, data: bytes, author: Author, time: float) -> None:
        try:
            replacing.make_directory(self.directory, self.path.stat())
            numbers = self._numbers()
            version = Version(number=numbers[-1] + 1 if numbers else 1, time=time, by=author.by, what=author.what)
            self._write(version, data)
            for old in numbers[: -MAX_VERSIONS + 1]:
                self._place(old).unlink(missing_ok=True)
            replacing.sync_directory(self.directory)
        except OSError as error:
            _log.error("cannot keep this version of the configuration", file=self.path.name, error=error.strerror)

    def _numbers(self) -> Sequence[int]:
        """The numbers of the versions that are kept, oldest first."""
        try:
            names = [path.name for path in self.directory.iterdir()]
        except OSError:
            return []
        return sorted(int(found[1]) for name in names if (found := self._name.fullmatch(name)))

    def _place(self, number: int) -> Path:
        return self.directory / f"{self.path.name}.{number:06}"

    def _write(self, version: Version, data: bytes) -> None:
        facts = {"time": version.time, "by": version.by[:MAX_TEXT], "what": version.what[:MAX_TEXT]}
        head = _HEAD + json.dumps(facts).encode() + b"\n"
        replacing.place_file(self._place(version.number), head + data, self.path.stat())

    def _read(self, number: int) -> _Kept | None:
        try:
            head, _, data = self._place(number).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Temporary(f"version {number} of {self.path.name} cannot be read: {error.strerror}") from error
        return _Kept(_version(number, head), data)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A version with its text."""

    version: Version
    data: bytes


def _version(number: int, head: bytes) -> Version:
    """The facts of the first line; a line that somebody edited says less."""
    try:
        facts = json.loads(head.removeprefix(_HEAD))
        return Version(number=number, time=float(facts["time"]), by=str(facts["by"]), what=str(facts["what"]))
    except (ValueError, KeyError, TypeError):
        return Version(number=number, time=0.0, by="", what="")
