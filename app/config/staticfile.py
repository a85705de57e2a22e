"""mox.conf of a running server: as it was at start, as it is, and as somebody wants it.

A running server never takes a changed mox.conf: ports, users and keys are bound at start. So `waiting` is the
difference between the running one and the file, which takes effect at the next start, and a new text is checked as that
start would: whole, with the present domains.conf. Raises as `live.py` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from app.clock import Clock
from app.config.check_static import StaticChecks
from app.config.configfile import ConfigFile, Plan, Shown
from app.config.history import Author, History
from app.config.loading import DOMAINS_CONF, load_dynamic
from app.config.masking import diff
from app.config.reading import read
from app.config.static import Static
from app.config.writing import update
from app.errors import ConfigError, Problem
from app.wire import sconf


class StaticFile:
    """The file, and what runs."""

    def __init__(self, path: Path, started: bytes, *, files: bool, clock: Clock) -> None:
        """`started` is the file that the running server has read; `files`: whether to check files that it names."""
        self._file = ConfigFile(path, clock)
        self._started = started
        self._files = files
        self._lock = threading.Lock()

    @property
    def history(self) -> History:
        """Its versions."""
        return self._file.history

    def shown(self) -> Shown:
        """The file as it is, for people."""
        return self._file.shown()

    def waiting(self) -> Sequence[str]:
        """What changes at the next start, as lines of a unified diff without secrets; empty: nothing."""
        return diff(self._started, self._file.read())

    @property
    def needs_restart(self) -> bool:
        """Whether the file is not the one that runs."""
        return self._started != self._file.read()

    def plan_text(self, text: bytes) -> Plan:
        """What is wrong with a text, and what it would change in the file."""
        return self._file.plan(text, self._problems)

    def replace_text(self, text: bytes, seen: str, by: str = "", what: str = "") -> None:
        """Write a new text, for the next start; raises ConfigError, Conflict, Temporary."""
        with self._lock:
            present = self._file.require(seen)
            data = self._file.from_people(text, present)
            if problems := self._problems(data):
                raise ConfigError(list(problems))
            self._file.replace(present, data, Author(by=by, what=what))

    def change(self, edit: Callable[[Static], Static], by: str = "", what: str = "") -> None:
        """Write the file as `edit` makes it from its present value, for the next start; comments stay.

        Raises what `edit` raises, ConfigError and Temporary.
        """
        with self._lock:
            present = self._file.read()
            reading = read(present, self._file.path.name, Static)
            if reading.problems:
                raise ConfigError(list(reading.problems))
            update(reading.document, reading.value, edit(reading.value))
            data = sconf.write(reading.document)
            if problems := self._problems(data):
                raise ConfigError(list(problems))
            self._file.replace(present, data, Author(by=by, what=what))

    def restore(self, number: int, seen: str, by: str = "") -> None:
        """Make an earlier version the file again; raises NoSuchVersion too."""
        self.replace_text(self.history.text(number), seen, by, f"version {number} restored")

    def _problems(self, data: bytes) -> Sequence[Problem]:
        """What is new: a server that gave up root may not read keys that it was started with."""
        known = {(problem.path, problem.text) for problem in self._checked(self._started)}
        return [problem for problem in self._checked(data) if (problem.path, problem.text) not in known]

    def _checked(self, data: bytes) -> Sequence[Problem]:
        path = self._file.path
        static = read(data, path.name, Static)
        StaticChecks(static.value, static.places, path.parent if self._files else None).run()
        return static.problems or load_dynamic(path.with_name(DOMAINS_CONF), static.value, files=self._files).problems
