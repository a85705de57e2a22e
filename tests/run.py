#!/usr/bin/env python3
"""The test command: prepares the machine, then runs ruff, mypy and all tests.

    python3 tests/run.py                 everything
    python3 tests/run.py --quick         without what LONG names: the built file, crashes, attacks
    python3 tests/run.py [--quick] ARGS  arguments after that go to pytest

On a fresh machine it needs Python 3.11 or later with venv. It makes `.venv`, fills it from requirements.lock and
tests/requirements.txt by the machine's own pip configuration, and as root installs the Debian packages that
tests/packages.txt names, without letting one start a service. What cannot be installed is said, with the tests that
are left out. The exit code is 0 only if all checks and tests passed; pytest's summary comes last.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
PACKAGES = ROOT / "tests" / "packages.txt"
LONG = (
    "tests/end_to_end",
    "tests/guards/test_zipapp.py",
    "tests/imapserver/test_attacks.py",
    "tests/imapserver/test_hostile_commands.py",
    "tests/imapserver/test_hostile_client.py",
    "tests/imapserver/test_model.py",
    "tests/operations/backup",
    "tests/operations/mailimport/test_faults.py",
    "tests/operations/mailimport/test_memory.py",
    "tests/operations/restore/test_faults.py",
    "tests/queue/test_crash.py",
    "tests/queue/test_faulty_servers.py",
    "tests/quickstart/probes/test_registration.py",
    "tests/quickstart/test_gate.py",
    "tests/quickstart/test_pages.py",
    "tests/quickstart/test_running.py",
    "tests/smtpserver/test_crash.py",
    "tests/smtpserver/test_hostile_cost.py",
    "tests/smtpserver/test_judged_dialogs.py",
    "tests/store/account/test_searchindex.py",
    "tests/store/test_crash.py",
    "tests/web/admin/test_queue.py",
    "tests/web/admin/test_signins.py",
    "tests/web/sites/test_forward.py",
    "tests/web/sites/test_smuggling.py",
    "tests/web/sites/test_websocket.py",
    "tests/web/test_serving.py",
)
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")  # Debian asks it before a package starts a service
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "--strict", "app", "quickstart", "build_zipapp.py"),
)


@dataclass(frozen=True, slots=True)
class Package:
    """One line of packages.txt."""

    name: str
    program: str
    needed_by: str

    def is_present(self) -> bool:
        return shutil.which(self.program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def say(text: str) -> None:
    """One line about what happens, in order with what the commands print."""
    print(f"== {text}", flush=True)


def run(*command: str | Path) -> int:
    """Runs a command in the project's folder and returns its exit code."""
    say(" ".join(str(word) for word in command).replace(f"{ROOT}/", ""))
    return subprocess.run([str(word) for word in command], cwd=ROOT).returncode


# The Python environment


def prepare_venv() -> None:
    """Makes .venv, and installs when the lists of packages have changed since the last time."""
    wanted = hashlib.sha256(LOCK.read_bytes() + REQUIREMENTS.read_bytes()).hexdigest()
    stamp = VENV / ".installed-for-tests"
    if is_working() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    if not is_working() and run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
        sys.exit("tests/run.py: this Python cannot make a venv. On Debian: apt install python3-venv")
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run(*pip, "--require-hashes", "--no-deps", "--requirement", LOCK) or run(*pip, "--requirement", REQUIREMENTS):
        sys.exit("tests/run.py: pip could not install what the tests need.")
    stamp.write_text(wanted, encoding="ascii")


def is_working() -> bool:
    """Whether .venv is there and its Python, which may have been removed or upgraded since, still starts."""
    with contextlib.suppress(OSError):
        question = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
        return subprocess.run([str(PYTHON), "-c", question], stderr=subprocess.DEVNULL).returncode == 0
    return False


# Debian packages


def prepare_packages() -> None:
    """Installs missing Debian packages as root; otherwise says what to type and what is left out."""
    missing = [package for package in read_packages() if not package.is_present()]
    command = "apt-get install --yes " + " ".join(package.name for package in missing)
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install(command)
        missing = [package for package in missing if not package.is_present()]
    if missing:
        say(f"programs are missing; as root: {command}")
        for package in missing:
            say(f"left out without {package.name}: {package.needed_by}")


def read_packages() -> list[Package]:
    """The lines of packages.txt."""
    lines = PACKAGES.read_text(encoding="utf-8").splitlines()
    return [Package(*line.split(maxsplit=2)) for line in lines if line and not line.startswith("#")]


def install(command: str) -> None:
    """Runs apt-get with no questions and with no service started."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with services_held():
        if shutil.which("debconf-set-selections"):
            answer = "postfix postfix/main_mailer_type select No configuration\n"
            subprocess.run(["debconf-set-selections"], input=answer, text=True)
        for words in (["apt-get", "update", "--quiet", "--quiet"], [*command.split(), "--quiet", "--quiet"]):
            say(" ".join(words))
            subprocess.run(words, env=environment, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def services_held() -> Iterator[None]:
    """While this lasts, no package that is installed starts its service."""
    if SERVICE_POLICY.exists():
        yield  # the machine has a policy; it is not ours to change
        return
    SERVICE_POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    SERVICE_POLICY.chmod(0o755)
    try:
        yield
    finally:
        SERVICE_POLICY.unlink()


# The checks and the tests


def main(arguments: list[str]) -> int:
    """Prepares, checks, tests. Later steps run although an earlier one failed, to show everything at once."""
    quick = "--quick" in arguments
    given = [argument for argument in arguments if argument != "--quick"]
    prepare_venv()
    if not quick:
        prepare_packages()
    failed = [" ".join(check) for check in CHECKS if run(PYTHON, "-m", *check) != 0]
    for check in failed:
        say(f"FAILED: {check}")
    options = ["-n", "2", "--dist", "loadfile", *(f"--ignore={path}" for path in LONG if quick), *given]
    tests = run(PYTHON, "-m", "pytest", *options)
    return tests or (1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
