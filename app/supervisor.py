"""The process that stays above the engine: it has the sockets, starts the engine again, and passes signals on.

    root: configuration, sockets, keys -> the mox user, for good -> supervisor: fork -> engine
                                                                        ^          |
                                                                        +-- ended <+

It does nothing else, so there is nothing in it that can fail for the same reason as the engine. By now it is not root
any more. What connects while no engine runs waits in the sockets' queues.

SIGTERM and SIGINT are passed on, and the end of the engine is then the end. SIGHUP starts everything anew without
closing a socket: the program as it is on disk now first checks the configuration; only if that is well the engine is
asked to finish, and the supervisor becomes that program. An engine that ends in any other way is started again, after
pauses that grow, and the log says why it ended. One that has never come up is not: its words say what is wrong. When
the supervisor is killed, the engine ends as if it had been.
"""

from __future__ import annotations

import contextlib
import enum
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from app.log import logger
from app.net import servicenotify
from app.net.handover import pass_on

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
WELL_S: Final = 600.0  # after which an earlier crash does not count any more
CHECK_S: Final = 60.0

log = logger("serve")


class Said(enum.Enum):
    """What an engine says to its supervisor: a byte each."""

    UP = b"u"
    ALIVE = b"a"
    STOPPING = b"s"


_TOLD: Final = {Said.UP: servicenotify.READY, Said.ALIVE: servicenotify.ALIVE, Said.STOPPING: servicenotify.STOPPING}


@dataclass(frozen=True, slots=True)
class Above:
    """What an engine knows of its supervisor; both are descriptors of pipes."""

    alive: int  # can be read from, with nothing in it, when the supervisor is gone
    ear: int

    def say(self, what: Said) -> None:
        """Never waits: a supervisor that does not read is one that is stopped."""
        with contextlib.suppress(OSError):
            os.write(self.ear, what.value)

    def leave(self, code: int) -> NoReturn:
        """End this process without going back up into the supervisor's code, nor waiting for threads."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


Engine = Callable[[Above], int]


@dataclass(slots=True)
class _Child:
    pid: int
    mouth: int  # the other end of Above.ear
    began: float
    was_up: bool = False


@dataclass(slots=True)
class Supervisor:
    """Above one engine after the other."""

    engine: Engine
    config: Path
    sockets: Sequence[socket.socket]
    _child: _Child | None = None
    _wanted: signal.Signals | None = None  # how the engine is to end
    _woken: tuple[int, int] = field(default_factory=os.pipe)
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)

    def run(self) -> int:
        """Until the engine ends well, or is told to; the exit code of the program."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        gc.collect()
        gc.freeze()  # what both processes have stays one copy: the collector of the engine does not write to it
        pause, was_up = FIRST_PAUSE_S, False
        while True:
            child = self._child = self._start()
            self._pass_on()  # what came before there was anybody
            self._listen_to(child)
            code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
            self._child = None
            was_up, lasted = was_up or child.was_up, time.monotonic() - child.began
            if self._wanted is signal.SIGHUP:
                self._become_new()
            if code == 0 or self._wanted is not None or not was_up:
                return 0 if code == -signal.SIGTERM and self._wanted else max(code, 1) if code else 0
            pause = FIRST_PAUSE_S if lasted > WELL_S else pause
            log.error("the engine ended", why=_why(code), lasted=f"{lasted:.0f}s", again_in=f"{pause:.0f}s")
            self._pause(pause)
            if self._wanted is signal.SIGHUP:
                self._become_new()
            if self._wanted is not None:
                return 0
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _start(self) -> _Child:
        mouth, ear = os.pipe()
        pid = os.fork()
        if pid == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.close(mouth)
            os.close(self._lifeline[1])
            os.set_blocking(ear, False)
            _run(self.engine, Above(alive=self._lifeline[0], ear=ear))
        os.close(ear)
        return _Child(pid, mouth, time.monotonic())

    def _listen_to(self, child: _Child) -> None:
        """Tell systemd what the engine says, until it ends."""
        while said := os.read(child.mouth, 1):
            child.was_up = child.was_up or said == Said.UP.value
            if said != Said.STOPPING.value or self._wanted is not signal.SIGHUP:
                servicenotify.tell(_TOLD[Said(said)])  # a service that says it stops is killed if it goes on
        os.close(child.mouth)

    def _on_signal(self, number: int, frame: object) -> None:
        if number == signal.SIGHUP and self._wanted is None:
            if not self._is_well():
                return
            log.info("starting again")
            servicenotify.tell(servicenotify.reloading())
        if self._wanted is None or number != signal.SIGHUP:
            self._wanted = signal.Signals(number)
        os.write(self._woken[1], b"\0")
        self._pass_on()

    def _pass_on(self) -> None:
        if self._child is not None and self._wanted is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGTERM)

    def _pause(self, seconds: float) -> None:
        """Until then, or until a signal comes."""
        if self._wanted is None:
            select.select([self._woken[0]], [], [], seconds)

    def _is_well(self) -> bool:
        """Whether the program on disk takes the configuration."""
        command = [*_program(), "-config", str(self.config), "config", "test"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=CHECK_S, env=_clean(), check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            log.error("not started again: the program cannot be tried", error=error)
            return False
        if done.returncode:
            said = (done.stdout + done.stderr)[-2000:].decode("utf-8", "replace")
            log.error("not started again: the configuration has problems", said=said)
        return done.returncode == 0

    def _become_new(self) -> None:
        """The same words as at the start, with the sockets that are open. Returns never."""
        sys.stderr.flush()
        os.execve(sys.executable, [*_program(), *sys.argv[1:]], {**_clean(), **pass_on(self.sockets)})


def _run(engine: Engine, above: Above) -> NoReturn:
    """All there is to do in the process of an engine."""
    code = 1
    try:
        code = engine(above)
    except BaseException as error:
        log.error("the engine failed", error=repr(error))
        sys.excepthook(*sys.exc_info())
    finally:
        above.leave(code)


def _why(code: int) -> str:
    if code >= 0:
        return f"exit code {code}; what it logged before says more"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _program() -> list[str]:
    """The words that start this program: those before its arguments."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]


def _clean() -> dict[str, str]:
    """Without the unpacked copy that runs now: the file may be a newer one."""
    return {name: value for name, value in os.environ.items() if name != "MOX_ENTRY"}
