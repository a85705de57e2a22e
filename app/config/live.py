"""The configuration of a running server: mox.conf as read at start, and the newest domains.conf that is right.

`Live.open` raises ConfigError with every problem of both files. Later `live.dynamic`, `live.directory` and
`live.selectors` look, at most once a second, whether domains.conf changed (time, size, inode); a changed file is taken
wholly or, when anything is wrong with it, not at all: the old snapshot stays and the problems are logged once.

`live.change(edit)` reads the file afresh, gives its value to `edit`, checks the result whole and only then writes: a
temporary file in the same directory, fsync, the old file kept as domains.conf.previous, rename, fsync of the
directory. Comments and order of the file stay, except of what was taken out. A file that is wrong is never overwritten
by `change`; `live.replace_text` takes the whole file as text, from somebody who has seen the present one, and may mend
a wrong one. Every state that a change makes is kept in `live.history`, and `live.restore` returns to one.
`live.static_file` is mox.conf.

Changes come one at a time, from any thread. Two processes must not call `change` at the same moment; commands therefore
ask the running server to do it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.config.configfile import ConfigFile, Plan, Shown
from app.config.dynamic import Dynamic
from app.config.history import Author, History
from app.config.loading import DOMAINS_CONF, Loaded, check_dynamic, load, load_dynamic
from app.config.lookup import Directory
from app.config.masking import diff
from app.config.reading import Reading, read
from app.config.signing import signing_selectors
from app.config.staticfile import StaticFile
from app.config.summary import summary
from app.config.writing import update
from app.errors import ConfigError, Problem, SconfSyntaxError
from app.log import logger
from app.trust.dkim.sign import Selector
from app.wire import sconf
from app.wire.domain import Domain

CHECK_INTERVAL_S = 1.0

_log = logger("config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One state of domains.conf and what is made from it."""

    dynamic: Dynamic
    directory: Directory
    selectors: Mapping[Domain, tuple[Selector, ...]]


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Tells one state of a file from another."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A change that is right."""

    before: Dynamic
    after: Dynamic
    present: bytes
    data: bytes


class Live:
    """The configuration that is in use."""

    def __init__(self, path: Path, loaded: Loaded, *, files: bool, clock: Clock) -> None:
        self.path = path
        self.static = loaded.static.value
        self.static_file = StaticFile(path, sconf.write(loaded.static.document), files=files, clock=clock)
        self._file = ConfigFile(self.domains_path, clock)
        self._files = files
        self._clock = clock
        self._lock = threading.RLock()
        self._snapshot = self._build(loaded.dynamic.value)
        self._stamp = self._stat()
        self._looked = clock.monotonic()

    @classmethod
    def open(cls, path: Path | str, *, files: bool = True, clock: Clock = SYSTEM) -> Live:
        """The configuration in mox.conf at `path` and domains.conf beside it; raises ConfigError."""
        path = Path(path).absolute()
        loaded = load(path, files=files)
        if problems := loaded.problems:
            raise ConfigError(problems)
        return cls(path, loaded, files=files, clock=clock)

    @property
    def dynamic(self) -> Dynamic:
        """The newest right domains.conf."""
        return self.snapshot.dynamic

    @property
    def directory(self) -> Directory:
        """Whose an address is."""
        return self.snapshot.directory

    @property
    def snapshot(self) -> Snapshot:
        """The newest right domains.conf, and what is made from it."""
        now = self._clock.monotonic()
        if now - self._looked >= CHECK_INTERVAL_S:
            self._looked = now
            self._look()
        return self._snapshot

    def selectors(self, domain: Domain) -> tuple[Selector, ...]:
        """The DKIM selectors that mail from this domain is signed with."""
        return self.snapshot.selectors.get(domain, ())

    @property
    def config_dir(self) -> Path:
        """The directory of both files, to which the paths in them are relative."""
        return self.path.parent

    @property
    def domains_path(self) -> Path:
        """The path of domains.conf."""
        return self.path.with_name(DOMAINS_CONF)

    @property
    def data_dir(self) -> Path:
        """The directory of mail and databases."""
        return self.resolve(self.static.data_dir)

    def resolve(self, name: str) -> Path:
        """The path that a setting names."""
        return Path(os.path.normpath(self.config_dir / name))

    @property
    def history(self) -> History:
        """The versions of domains.conf."""
        return self._file.history

    def shown(self) -> Shown:
        """domains.conf as it is, for people."""
        return self._file.shown()

    def change(self, edit: Callable[[Dynamic], Dynamic], by: str = "", what: str = "") -> None:
        """Write domains.conf as `edit` makes it from its present value, and use it.

        `by` and `what` are for the history; without them those of `history.signed` and the settings that changed.
        Raises ConfigError, with nothing written, when the file on disk or the result is not right; Temporary when
        the file cannot be written.
        """
        with self._lock:
            self._carry_out(self._edited(edit), Author(by=by, what=what))

    def plan(self, edit: Callable[[Dynamic], Dynamic]) -> Plan:
        """What `change` would do; raises ConfigError as it does."""
        with self._lock:
            change = self._edited(edit)
        return Plan(problems=(), diff=diff(change.present, change.data))

    def replace_text(self, text: bytes, seen: str, by: str = "", what: str = "") -> None:
        """Write domains.conf as somebody typed it who has seen the file with the digest `seen`, and use it.

        Raises ConfigError with every problem and its line, Conflict when the file is another by now, Temporary.
        """
        with self._lock:
            present = self._file.require(seen)
            data = self._file.from_people(text, present)
            after = self._checked(data).value
            before = read(present, DOMAINS_CONF, Dynamic).value
            self._carry_out(_Change(before=before, after=after, present=present, data=data), Author(by=by, what=what))

    def plan_text(self, text: bytes) -> Plan:
        """What is wrong with a text, and what it would change."""
        return self._file.plan(text, lambda data: self._checks(data).problems)

    def restore(self, number: int, seen: str, by: str = "") -> None:
        """Make an earlier version domains.conf again: a change as `replace_text`. Raises NoSuchVersion too."""
        self.replace_text(self.history.text(number), seen, by, f"version {number} restored")

    def _edited(self, edit: Callable[[Dynamic], Dynamic]) -> _Change:
        before = load_dynamic(self.domains_path, self.static, files=self._files)
        _raise_problems(before)
        present = sconf.write(before.document)
        data = _text_of(read(present, DOMAINS_CONF, Dynamic), wanted := edit(before.value))
        after = self._checked(data).value
        if after != wanted:
            raise _cannot_be_written("the file would not say the same")
        return _Change(before=before.value, after=after, present=present, data=data)

    def _carry_out(self, change: _Change, author: Author) -> None:
        snapshot = self._build(change.after)
        about = Author(by=author.by, what=author.what, otherwise=summary(change.before, change.after))
        self._file.replace(change.present, change.data, about)
        self._snapshot = snapshot
        self._stamp = self._stat()

    def _checked(self, data: bytes) -> Reading[Dynamic]:
        reading = self._checks(data)
        _raise_problems(reading)
        return reading

    def _checks(self, data: bytes) -> Reading[Dynamic]:
        directory = self.config_dir if self._files else None
        return check_dynamic(read(data, DOMAINS_CONF, Dynamic), self.static, directory)

    def _build(self, dynamic: Dynamic) -> Snapshot:
        return Snapshot(
            dynamic=dynamic,
            directory=Directory(self.static, dynamic),
            selectors=signing_selectors(dynamic, self.config_dir) if self._files else {},
        )

    def _stat(self) -> _Stamp | None:
        try:
            status = self.domains_path.stat()
        except OSError:
            return None
        return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)

    def _look(self) -> None:
        """Take a changed file, if all of it is right."""
        stamp = self._stat()
        if stamp == self._stamp:
            return
        with self._lock:
            self._stamp = stamp  # before reading: what is written meanwhile is seen at the next look
            reading = load_dynamic(self.domains_path, self.static, files=self._files)
            if problems := reading.problems:
                for problem in problems:
                    _log.error("domains.conf changed but is wrong, the old one stays in use", problem=problem)
                return
            self._snapshot = self._build(reading.value)
            _log.info("domains.conf read again")


def _raise_problems(reading: Reading[Dynamic]) -> None:
    if problems := reading.problems:
        raise ConfigError(problems)


def _text_of(present: Reading[Dynamic], wanted: Dynamic) -> bytes:
    """The present file, with keys as they stand in it, made to say what is wanted."""
    try:
        update(present.document, present.value, wanted)
    except SconfSyntaxError as err:
        raise _cannot_be_written(err.message) from None
    return sconf.write(present.document)


def _cannot_be_written(reason: str) -> ConfigError:
    return ConfigError([Problem(file=DOMAINS_CONF, line=0, path="", text=f"this change cannot be written: {reason}")])
