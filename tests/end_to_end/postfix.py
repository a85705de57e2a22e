"""A Postfix of our own: its own directory, queue, address and log, away from the machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_tls_loglevel = 1
smtpd_tls_loglevel = 1
"""
MASTER = """\
{ip}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running one."""

    folder: Path

    def log(self) -> str:
        return (self.folder / "mail.log").read_text()

    def outcomes(self, service: str, expected: int) -> list[str]:
        """The log lines of finished deliveries by a service, once there are as many as expected."""
        limit = time.monotonic() + 30
        while True:
            lines = [line for line in self.log().splitlines() if f"postfix/{service}[" in line and "status=" in line]
            if len(lines) >= expected:
                return lines
            assert time.monotonic() < limit, self.log()
            time.sleep(0.05)


@contextmanager
def running_postfix(
    ip: str, port: int, settings: str, within: Sequence[str] = (), services: str = ""
) -> Iterator[Postfix]:
    """Postfix on an address and port, with settings for main.cf that may speak of {folder}.

    `within` are words that start a command in other surroundings, `services` more lines for master.cf.
    """
    if shutil.which("postfix") is None or os.geteuid() != 0:
        pytest.skip("needs root and the package postfix; see tests/packages.txt")
    folder = Path("/var/tmp") / f"mox-postfix-{os.getpid()}-{time.monotonic_ns()}"  # for all of Postfix's own users
    for part in ("queue", "data", "etc"):
        (folder / part).mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    values = {"folder": folder, "ip": ip, "port": port}
    own = {line.partition(" =")[0] for line in settings.splitlines()}
    usual = "".join(line for line in MAIN.splitlines(keepends=True) if line.partition(" =")[0] not in own)
    (folder / "etc" / "main.cf").write_text((usual + settings).format(**values))
    (folder / "etc" / "master.cf").write_text(MASTER.format(**values) + services)
    control = ["postfix", "-c", str(folder / "etc")]
    try:
        started = subprocess.run([*within, *control, "start"], stdin=subprocess.DEVNULL, timeout=60)
        assert started.returncode == 0, f"run postfix -c {folder}/etc start in a terminal, where it says why"
        yield Postfix(folder)
    finally:
        subprocess.run([*control, "stop"], capture_output=True, timeout=60)
        shutil.rmtree(folder)
