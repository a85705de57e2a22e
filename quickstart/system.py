"""What the set-up does to the machine: make the system user, hand the server to systemd or start it, ask it things.

`System` is the interface; `RealSystem` acts for real, tests act with a fake. Programs are started with a list of
words, never through a shell. The server that is started here writes its log to a file, not to a pipe of ours: it goes
on when the set-up is killed. Raises Refusal with words for the page.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from app.errors import Refusal, Temporary
from app.net.privileges import PrivilegeError, lookup_user

LOG_FILE = "serve.log"
LOG_TAIL_BYTES = 4096
COMMAND_S = 60.0
ASK_S = 20.0
UNIT = "mox.service"
SYSTEMD = Path("/run/systemd/system")  # is there while systemd runs (sd_booted(3))

Call = Callable[[Path, str, Mapping[str, object]], object]  # blocks


class System(Protocol):
    """The machine as something to change."""

    def has_user(self, name: str) -> bool:
        """Whether the system knows the user."""

    async def add_user(self, name: str) -> None:
        """Make a system user."""

    def has_systemd(self) -> bool:
        """Whether services are systemd's."""

    async def enable_service(self, unit: Path) -> None:
        """Start the unit now and at every boot."""

    async def is_enabled(self) -> bool:
        """Whether systemd starts the server at every boot."""

    async def start_server(self, config: Path) -> None:
        """Start the server with this configuration, as a process of ours."""

    def exit_code(self) -> int | None:
        """The exit code of the server that was started; None while it runs or when there is none."""

    def log_tail(self, config: Path) -> str:
        """The last lines that the server wrote."""

    async def ask(self, data_dir: Path, operation: str, arguments: Mapping[str, object]) -> object:
        """The answer of the running server; raises MailError when none runs."""


class RealSystem:
    """The machine that this runs on."""

    def __init__(self, program: Sequence[str], call: Call) -> None:
        """`program` starts this program again; `call` talks to a running server, in a thread."""
        self._program = program
        self._call = call
        self._log_start = 0  # of the run that was started last
        self.server: asyncio.subprocess.Process | None = None

    def has_user(self, name: str) -> bool:
        """Numbers stand for themselves."""
        try:
            lookup_user(name)
        except PrivilegeError:
            return False
        return True

    async def add_user(self, name: str) -> None:
        """By useradd, without a home or a shell."""
        await _run("useradd", "--system", "--home-dir", "/", "--shell", "/usr/sbin/nologin", "--", name)

    def has_systemd(self) -> bool:
        """And it is the one that runs."""
        return SYSTEMD.is_dir()

    async def enable_service(self, unit: Path) -> None:
        """Linked from where it is."""
        await _run("systemctl", "enable", "--now", str(unit))

    async def is_enabled(self) -> bool:
        """As systemctl says; its exit code is 0 for units that boot starts (systemctl(1))."""
        try:
            await _run("systemctl", "is-enabled", "--quiet", UNIT)
        except Refusal:
            return False
        return True

    async def start_server(self, config: Path) -> None:
        """In a session of its own, so that Ctrl-C reaches it once, through us."""
        if self.server is not None and self.server.returncode is None:
            return
        log = os.open(self._log(config), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        self._log_start = os.fstat(log).st_size
        try:
            self.server = await asyncio.create_subprocess_exec(
                *self._program,
                *("-config", str(config), "serve"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)

    def exit_code(self) -> int | None:
        """Of the one that was started last."""
        return self.server.returncode if self.server is not None else None

    def log_tail(self, config: Path) -> str:
        """Of the run that was started last."""
        try:
            with open(self._log(config), "rb") as log:
                log.seek(max(self._log_start, os.fstat(log.fileno()).st_size - LOG_TAIL_BYTES))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-12:])
        except OSError:
            return ""

    async def ask(self, data_dir: Path, operation: str, arguments: Mapping[str, object]) -> object:
        """Over the control socket."""
        try:
            async with asyncio.timeout(ASK_S):
                return await asyncio.to_thread(self._call, data_dir, operation, arguments)
        except TimeoutError:
            raise Temporary("the server does not answer in time") from None

    async def stop_server(self) -> int:
        """Pass the signal on to the server that we started, and wait for it; its exit code."""
        if self.server is None:
            return 0
        if self.server.returncode is None:
            self.server.send_signal(signal.SIGTERM)
        return await self.server.wait()

    @staticmethod
    def _log(config: Path) -> Path:
        return config.parent.parent / LOG_FILE


async def _run(*words: str) -> None:
    """Run a program to its end; raises Refusal with what it said."""
    command = " ".join(words)
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise Refusal(f"{command}: {error.strerror}") from None
    try:
        async with asyncio.timeout(COMMAND_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise Refusal(f"{command}: no answer within {COMMAND_S:.0f} seconds") from None
    if process.returncode:
        raise Refusal(f"{command}: {output.decode('utf-8', 'replace').strip()[-500:] or 'failed'}")
