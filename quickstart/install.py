"""The installation: system user, files, service, and a server that answers.

The files appear whole: they are made in a directory of the set-up and moved into place, `config` last. Who is killed in
between begins this part again, as a mark says that what is there is ours; without the mark nothing that is there is
touched. Every phase can be repeated. The phases and how each came out are there for the page to show.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import ConfigError, MailError, Refusal
from app.log import logger
from quickstart import privatefile
from quickstart.apply import SERVICE_FILE, apply
from quickstart.draft import Started
from quickstart.generate import Generated
from quickstart.system import LOG_FILE, System

READY_S = 90.0
POLL_S = 0.25
MARK, STAGE = "installing", "stage"

log = logger("quickstart")


@dataclass(slots=True)
class Phase:
    """One line of the page."""

    title: str
    state: str = ""  # as badges know it: "", waiting, ok, bad
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be installed, where and how."""

    generated: Generated
    directory: Path
    scratch: Path  # the set-up's own directory
    is_root: bool
    is_written: bool = False  # an earlier installation is over; only the server is to be started

    @property
    def user(self) -> str:
        """The system user that the server runs as."""
        return self.generated.static.user or "mox"

    @property
    def config(self) -> Path:
        """mox.conf."""
        return self.directory / "config" / "mox.conf"

    @property
    def data_dir(self) -> Path:
        """Where mail will be."""
        return self.directory / "data"

    @property
    def unit(self) -> Path:
        """The service unit."""
        return self.directory / SERVICE_FILE


@dataclass(slots=True)
class Installer:
    """One installation, running or over."""

    plan: Plan
    system: System
    phases: list[Phase] = field(default_factory=list)
    started: Started = Started.NOT
    is_over: bool = False
    has_worked: bool = False

    async def run(self) -> None:
        """Do everything; what fails is in the phases, nothing is raised for it."""
        self.phases, self.is_over, self.has_worked = [], False, False
        try:
            for title, work in self._work():
                await self._phase(title, work)
            self.has_worked = True
        except _Stopped:
            pass
        finally:
            self.is_over = True

    def _work(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        by_systemd = self.plan.is_root and self.system.has_systemd()
        needs_user = self.plan.is_root and not self.system.has_user(self.plan.user)
        start = ("Hand the server to systemd", self._enable) if by_systemd else ("Start the server", self._start)
        user = [(f"Make the system user {self.plan.user}", self._add_user)] if needs_user else []
        files = [] if self.plan.is_written else [("Write configuration, keys and account", self._write)]
        return [*user, *files, start, ("Wait for it", self._wait)]

    async def _phase(self, title: str, work: Callable[[], Awaitable[str]]) -> None:
        phase = Phase(title, "waiting")
        self.phases.append(phase)
        try:
            phase.detail = await work()
            phase.state = "ok"
        except (MailError, OSError) as error:
            phase.state, phase.detail = "bad", text_of(error)
            log.error("set-up: a step of the installation failed", step=title, error=text_of(error))
            raise _Stopped from None

    async def _add_user(self) -> str:
        await self.system.add_user(self.plan.user)
        return ""

    async def _write(self) -> str:
        is_current = await asyncio.to_thread(is_in_place, self.plan)
        if not is_current and await is_answering(self.system, self.plan.data_dir):
            await self.system.ask(self.plan.data_dir, "stop", {})  # of an attempt with other answers
        await asyncio.to_thread(put_in_place, self.plan)
        return f"in {self.plan.directory}"

    async def _enable(self) -> str:
        await self.system.enable_service(self.plan.unit)
        self.started = Started.SYSTEMD
        return "as mox.service, now and at every boot"

    async def _start(self) -> str:
        self.started = Started.CHILD
        if await is_answering(self.system, self.plan.data_dir):
            return "it runs already"
        await self.system.start_server(self.plan.config)
        return f"its log is in {self.plan.directory / LOG_FILE}"

    async def _wait(self) -> str:
        for _ in range(int(READY_S / POLL_S)):
            if await is_answering(self.system, self.plan.data_dir):
                return "it answers"
            if (code := self.system.exit_code()) is not None:
                said = self.system.log_tail(self.plan.config)
                raise Refusal(f"The server ended at once (exit code {code}). It said:\n{said}{self._advice()}")
            await asyncio.sleep(POLL_S)
        raise Refusal(f"It has not answered within {READY_S:.0f} seconds; its log says more.")

    def _advice(self) -> str:
        if self.plan.is_root:
            return ""
        return "\nPorts below 1024 need root: end the set-up with Ctrl-C, start it again as root in a new directory."


class _Stopped(Exception):
    """A phase failed; those after it make no sense."""


def put_in_place(plan: Plan) -> None:
    """Write all files, or find that they were; raises Refusal for files that are not ours, and Temporary."""
    mark, stage = plan.scratch / MARK, plan.scratch / STAGE
    config, data = plan.directory / "config", plan.directory / "data"
    if mark.exists():
        if is_in_place(plan):
            return
        _remove(config, stage, data, plan.unit)  # of an attempt that was interrupted, or had other answers
    elif present := [str(path) for path in (config, data, plan.unit) if os.path.lexists(path)]:
        raise Refusal(f"There already: {', '.join(present)}. Move these away, then try again; nothing was changed.")
    privatefile.replace(mark, b"")
    _remove(stage)
    stage.mkdir()
    apply(plan.generated, stage)
    (stage / "data").rename(data)
    (stage / SERVICE_FILE).rename(plan.unit)
    (stage / "config").rename(config)
    privatefile.sync_directory(plan.directory)
    _remove(stage)


def is_in_place(plan: Plan) -> bool:
    """Whether the files of this plan, and no others, were written already."""
    config = plan.config.parent
    try:
        wanted = (plan.generated.mox_conf, plan.generated.domains_conf, plan.generated.admin_password_file)
        present = tuple((config / name).read_bytes() for name in ("mox.conf", "domains.conf", "adminpasswd"))
    except FileNotFoundError:
        return False
    return present == wanted


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


async def is_answering(system: System, data_dir: Path) -> bool:
    """Whether a server answers on this data directory."""
    try:
        await system.ask(data_dir, "loglevels", {})
    except MailError:
        return False
    return True


def text_of(error: BaseException) -> str:
    """What an error says to people."""
    if isinstance(error, ConfigError):
        return "; ".join(map(str, error.problems))
    return error.public if isinstance(error, Refusal) else str(error)
