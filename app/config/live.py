"""The configuration of a running server: mox.conf as read at start, and the newest domains.conf that is right.

`Live.open` raises ConfigError with every problem of both files. Later `live.dynamic`, `live.directory` and
`live.selectors` look, at most once a second, whether domains.conf changed (time, size, inode); a changed file is taken
wholly or, when anything is wrong with it, not at all: the old snapshot stays and the problems are logged once.

`live.change(edit)` reads the file afresh, gives its value to `edit`, checks the result whole and only then writes: a
temporary file in the same directory, fsync, the old file kept as domains.conf.previous, rename, fsync of the directory.
Comments and order of the file stay, except of what was taken out. A file that is wrong is never overwritten.

Changes come one at a time, from any thread. Two processes must not call `change` at the same moment; commands therefore
ask the running server to do it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.config.dynamic import Dynamic
from app.config.loading import DOMAINS_CONF, check_dynamic, load, load_dynamic
from app.config.lookup import Directory
from app.config.reading import Reading, read
from app.config.signing import signing_selectors
from app.config.static import Static
from app.config.writing import update
from app.errors import ConfigError, Problem, SconfSyntaxError, Temporary
from app.log import logger
from app.trust.dkim.sign import Selector
from app.wire import sconf
from app.wire.domain import Domain

CHECK_INTERVAL_S = 1.0
PREVIOUS_SUFFIX = ".previous"

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


class Live:
    """The configuration that is in use."""

    def __init__(self, path: Path, static: Static, dynamic: Dynamic, *, files: bool, clock: Clock) -> None:
        self.path = path
        self.static = static
        self._files = files
        self._clock = clock
        self._lock = threading.RLock()
        self._snapshot = self._build(dynamic)
        self._stamp = self._stat()
        self._looked = clock.monotonic()

    @classmethod
    def open(cls, path: Path | str, *, files: bool = True, clock: Clock = SYSTEM) -> Live:
        """The configuration in mox.conf at `path` and domains.conf beside it; raises ConfigError."""
        path = Path(path).absolute()
        loaded = load(path, files=files)
        if problems := loaded.problems:
            raise ConfigError(problems)
        return cls(path, loaded.static.value, loaded.dynamic.value, files=files, clock=clock)

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

    def change(self, edit: Callable[[Dynamic], Dynamic]) -> None:
        """Write domains.conf as `edit` makes it from its present value, and use it.

        Raises ConfigError, with nothing written, when the file on disk or the result is not right; Temporary when
        the file cannot be written.
        """
        with self._lock:
            before = load_dynamic(self.domains_path, self.static, files=self._files)
            _raise_problems(before)
            present = read(sconf.write(before.document), DOMAINS_CONF, Dynamic)  # keys as they stand in the file
            wanted = edit(before.value)
            data = _edited(present, wanted)
            after = self._checked(data)
            if after.value != wanted:
                raise _cannot_be_written("the file would not say the same")
            snapshot = self._build(after.value)
            self._replace(data)
            self._snapshot = snapshot
            self._stamp = self._stat()

    def _checked(self, data: bytes) -> Reading[Dynamic]:
        reading = check_dynamic(
            read(data, DOMAINS_CONF, Dynamic), self.static, self.config_dir if self._files else None
        )
        _raise_problems(reading)
        return reading

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

    def _replace(self, data: bytes) -> None:
        try:
            _write_beside(self.domains_path, data)
        except OSError as err:
            raise Temporary(f"{self.domains_path} cannot be written: {err.strerror}") from err


def _raise_problems(reading: Reading[Dynamic]) -> None:
    if problems := reading.problems:
        raise ConfigError(problems)


def _edited(present: Reading[Dynamic], wanted: Dynamic) -> bytes:
    try:
        update(present.document, present.value, wanted)
    except SconfSyntaxError as err:
        raise _cannot_be_written(err.message) from None
    return sconf.write(present.document)


def _cannot_be_written(reason: str) -> ConfigError:
    return ConfigError([Problem(file=DOMAINS_CONF, line=0, path="", text=f"this change cannot be written: {reason}")])


def _write_beside(path: Path, data: bytes) -> None:
    """Replace a file in one step, keeping the old one and its owner and mode."""
    status = path.stat()
    temporary = path.with_name(path.name + ".new")
    previous = path.with_name(path.name + PREVIOUS_SUFFIX)
    try:
        _write_synced(temporary, path.read_bytes(), status)  # a copy, so that there is a domains.conf at every moment
        temporary.replace(previous)
        _write_synced(temporary, data, status)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _write_synced(path: Path, data: bytes, like: os.stat_result) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, like.st_uid, like.st_gid)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
