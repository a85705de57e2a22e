"""Postfix, run from a directory of its own, sends its queue into `mox.pyz localserve`."""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import ACCOUNT, arrived, new_message, new_subject
from tests.support.built import Instance

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
relayhost = [{server}]:1025
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
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
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
PORT = 2525


@pytest.fixture(params=["none", "encrypt"])
def postfix(request: pytest.FixtureRequest, server: Instance) -> Iterator[Path]:
    """A running Postfix; its log is in mail.log below the path."""
    if shutil.which("postfix") is None or os.geteuid() != 0:
        pytest.skip("needs root and the package postfix; see tests/packages.txt")
    folder = Path("/var/tmp") / f"mox-postfix-{os.getpid()}-{request.param}"  # postfix' own users have to reach it
    for part in ("queue", "data", "etc"):
        (folder / part).mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    values = {"folder": folder, "ip": own_ip(3), "server": server.ip, "tls": request.param, "port": PORT}
    (folder / "etc" / "main.cf").write_text(MAIN.format(**values))
    (folder / "etc" / "master.cf").write_text(MASTER.format(**values))
    control = ["postfix", "-c", str(folder / "etc")]
    try:
        started = subprocess.run([*control, "start"], stdin=subprocess.DEVNULL, timeout=60)
        assert started.returncode == 0, f"run postfix -c {folder}/etc start in a terminal, where it says why"
        yield folder
    finally:
        subprocess.run([*control, "stop"], capture_output=True, timeout=60)
        shutil.rmtree(folder)


def sent_lines(folder: Path, expected: int) -> list[str]:
    """The log lines of deliveries, once there are as many as expected."""
    limit = time.monotonic() + 30
    while True:
        log = (folder / "mail.log").read_text()
        lines = [line for line in log.splitlines() if "postfix/smtp[" in line and "status=" in line]
        if len(lines) >= expected:
            return lines
        assert time.monotonic() < limit, log
        time.sleep(0.05)


def test_postfix_delivers_its_queue(postfix: Path, server: Instance) -> None:
    subjects = [new_subject() for _ in range(5)]
    with smtplib.SMTP(own_ip(3), PORT, timeout=30) as client:
        for subject in subjects:
            client.send_message(new_message(subject), from_addr="someone@example.com", to_addrs=[ACCOUNT])
    lines = sent_lines(postfix, len(subjects))
    assert all("status=sent (250 " in line for line in lines), lines
    for subject in subjects:
        assert "relay.example.com" in str(arrived(server, subject).get_all("Received"))
    if postfix.name.endswith("encrypt"):
        assert "TLS connection established to" in (postfix / "mail.log").read_text()
