"""The built mox.pyz, and servers started from it as a person would start them.

The archive is built once per state of the source for all test processes together, in build/tests. A running server has
its own directory, its own loopback address and a private cache; it is ended by its own process id.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build" / "tests"
READY_S = 30
STOP_S = 15
STARTED = "m=started pkg=serve "
NOBODY = 65534
IS_ROOT = os.geteuid() == 0


def build(output: Path, *options: str) -> None:
    """Builds an archive, always."""
    command = [sys.executable, str(ROOT / "build_zipapp.py"), *options, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def built_archive() -> Path:
    """The archive of the source as it is now; whichever test process comes first builds it, the others wait."""
    WORK.mkdir(parents=True, exist_ok=True)
    archive = WORK / "mox.pyz"
    with open(WORK / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, str(ROOT / "build_zipapp.py"), "--output", str(archive), "--run", "version"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return archive


@cache
def unpack_cache() -> Path:
    """Where all servers of this test run unpack, so that they do it once. Others may read it, as serve drops root."""
    path = Path(tempfile.gettempdir()) / f"mox-tests-{os.geteuid()}"
    path.mkdir(mode=0o755, exist_ok=True)
    for left in path.iterdir():
        if left.stat().st_mtime < time.time() - 86400:  # of builds of other days
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return path


def environment(**changes: str) -> dict[str, str]:
    """A small environment of our own: nothing of the developer's settings reaches the program."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MOX_CACHE": str(unpack_cache()),
    } | changes


@cache
def everyones_python() -> str:
    """A Python that other users can start too; one in a private home directory is of no use after dropping root."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            question = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(question, user=NOBODY if IS_ROOT else None, cwd="/").returncode == 0:
                return python
    pytest.skip("no Python here can be started by another user", allow_module_level=True)


@cache
def readable_archive() -> Path:
    """The archive where other users can read it, whatever the rights of the folders above the source are."""
    copy = unpack_cache() / f"mox-{hashlib.sha256(built_archive().read_bytes()).hexdigest()[:16]}.pyz"
    if not copy.exists():
        scratch = copy.with_suffix(f".{os.getpid()}")
        shutil.copyfile(built_archive(), scratch)
        scratch.rename(copy)
    return copy


@contextmanager
def open_place() -> Iterator[Path]:
    """A directory that every user can reach, unlike pytest's own."""
    path = unpack_cache() / f"place-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir()
    path.chmod(0o755)  # whatever the umask
    try:
        yield path
    finally:
        shutil.rmtree(path)


def mox(*arguments: str, given: str = "", folder: str = "", **changes: str) -> str:
    """Runs the archive, in a folder, to its end, which must be a good one, and returns what it says."""
    command = [everyones_python(), str(readable_archive()), *arguments]
    where = folder or None
    settings = environment(**changes)
    done = subprocess.run(command, capture_output=True, text=True, env=settings, input=given, cwd=where, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(slots=True)
class Instance:
    """A server run from the archive: `localserve` for itself, or `serve` with a configuration that is there."""

    directory: Path
    ip: str
    ports: tuple[int, ...] = (1025, 1587, 1465, 1143, 1993)
    command: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    within: tuple[str, ...] = ()  # words that start a command in other surroundings
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log_path(self) -> Path:
        return self.directory.with_suffix(".log")

    def log(self) -> str:
        """What the server has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def start(self) -> None:
        """Starts it and returns when every port answers and it says so."""
        before = self.log().count(STARTED)
        arguments = self.command or ("localserve", "-dir", str(self.directory), "-ip", self.ip)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.within, everyones_python(), str(readable_archive()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**self.settings),
                start_new_session=True,
            )
        for port in self.ports:
            self.wait_for(port)
        limit = time.monotonic() + READY_S
        while self.log().count(STARTED) == before:  # ports take connections before anybody answers them
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < limit, f"the server did not start within {READY_S} s:\n{self.log()}"
            time.sleep(0.02)

    def wait_for(self, port: int) -> None:
        """Waits until the port takes connections; fails with the log if the server ends before."""
        assert self.process is not None
        limit = time.monotonic() + READY_S
        while time.monotonic() < limit:
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()}"
            try:
                socket.create_connection((self.ip, port), timeout=5).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.ip}:{port} did not answer within {READY_S} s:\n{self.log()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it, by force only if it does not obey, and returns its exit code."""
        process, self.process = self.process, None
        assert process is not None, "is not running"
        process.send_signal(number)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its own session: the supervisor and the engine it started
            process.wait(STOP_S)
            raise AssertionError(f"the server did not stop within {STOP_S} s:\n{self.log()}") from None

    @contextmanager
    def running(self) -> Iterator[Instance]:
        """The server while the block lasts."""
        try:
            self.start()
            yield self
        finally:
            if self.process is not None:
                self.stop()
