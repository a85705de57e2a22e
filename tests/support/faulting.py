"""Commands whose system calls fail, one after the other, by strace: a full disk at each step."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.operations.datacheck import Check, check_data

WORKER = Path(__file__).with_name("onecommand.py")
STRACE = shutil.which("strace")
IS_LONG = "MOX_TEST_LONG" in os.environ
EVERY_CALL = ("pwrite64", "fdatasync", "fsync", "rename", "write", "mkdir", "fchmodat")
FAULTS_EACH = 30


class Faults:
    """A command that is run again and again from the same state, with one system call more that fails."""

    def __init__(self, folder: Path, start: Path, words: list[str]) -> None:
        self.folder = folder
        self.said = ""
        self._start = start
        self._command = [sys.executable, str(WORKER), "-config", str(folder / "config" / "mox.conf"), *words]

    def renew(self) -> None:
        """Back to the state that each run begins with."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._start.exists():
            shutil.copytree(self._start, self.folder)

    def run(self, *strace: str) -> int:
        """The exit code of one run; `said` has what it printed."""
        command = ["strace", "-f", "-qq", *strace, *self._command] if strace else self._command
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.said = done.stdout + done.stderr
        return done.returncode

    def times(self, call: str) -> Sequence[int]:
        """Which of the calls are to fail."""
        self.renew()
        log = self._start.with_name("trace")
        assert self.run("-o", str(log), "-e", f"trace={call}") == 0
        count = len(re.findall(rf"\b{call}\(", log.read_text()))
        return range(1, count + 1, max(1, count // FAULTS_EACH)) if IS_LONG else sorted({(count + 1) // 2, count})

    def fail(self, call: str, when: int) -> int:
        """The exit code, with a full disk at that call."""
        self.renew()
        return self.run("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=ENOSPC:when={when}")


def damage(data: Path) -> list[str]:
    """What is wrong with a data directory, its message bytes included."""
    return [text for part in check_data(data, Check(hashes=True)) for text in part.faults]
