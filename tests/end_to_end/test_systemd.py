"""The units that we print, in the hands of the real systemd: started, reloaded, watched, stopped; with and without its
sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.systemd import DIRECTORY, IP, Machine, open_machine, skip_reason

pytestmark = [pytest.mark.skipif(bool(skip_reason()), reason=skip_reason()), pytest.mark.timeout(300)]
PERSON = "you@one.test"
MOX = ("python3", "mox.pyz")
UNITS = "/etc/systemd/system"
TALK = f"""
import smtplib
with smtplib.SMTP("{IP}", 25, "client.test", timeout=30) as client:
    client.ehlo()
    print(client.docmd("MAIL FROM:<somebody@elsewhere.test>")[0], client.docmd("RCPT TO:<{PERSON}>")[0])
"""
# A session that is open while the service is told to start anew.
TALK_MEANWHILE = f"""
import smtplib, subprocess
client = smtplib.SMTP("{IP}", 25, "client.test", timeout=60)
client.ehlo()
for command in ("MAIL FROM:<somebody@elsewhere.test>", "RCPT TO:<postmaster@one.test>", "DATA"):
    client.docmd(command)
subprocess.run(["systemctl", "reload", "mox"], check=True)
client.send("Subject: half sent\\r\\n\\r\\nHello.\\r\\n.\\r\\n")
print(client.getreply()[0])
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with open_machine() as machine:
        machine.run(*MOX, "quickstart", "-skipdial", "-owncertificate", "-hostname", "mail.one.test", PERSON)
        yield machine


def talk(machine: Machine, script: str = TALK) -> list[str]:
    return machine.run("python3", "-c", script).stdout.split()


def processes(machine: Machine) -> list[Path]:
    """What runs in the service, as folders of /proc."""
    numbers = machine.shell("cat /sys/fs/cgroup/system.slice/mox.service/cgroup.procs").split()
    return [Path(f"/proc/{number}") for number in numbers]


def engine(machine: Machine) -> str:
    """The process that serves, below the main one."""
    [found] = {path.name for path in processes(machine)} - {machine.show("MainPID")}
    return found


def rights(machine: Machine, process: str) -> dict[str, str]:
    lines = machine.run("cat", f"/proc/{process}/status").stdout.splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_service_is_started_reloaded_and_watched(machine: Machine) -> None:
    machine.run("systemctl", "enable", "--now", f"{DIRECTORY}/mox.service")
    assert machine.show("ActiveState") == "active"
    assert talk(machine) == ["250", "250"]
    user = machine.run("id", "-u", "mox").stdout.strip()
    main = machine.show("MainPID")
    for process in (main, engine(machine)):
        seen = rights(machine, process)
        assert seen["Uid"].split() == [user] * 4
        assert (seen["CapEff"], seen["CapPrm"], seen["CapAmb"]) == ("0" * 16,) * 3
        assert (seen["NoNewPrivs"], seen["Seccomp"]) == ("1", "2")
    tells_of_backups(machine)
    reloads(machine, main)
    refuses_a_broken_configuration(machine)
    is_watched(machine)
    machine.run("systemctl", "stop", "mox")
    assert machine.show("Result") == "success"
    told = machine.run(*MOX, "status", is_checked=False)
    assert (told.returncode, "ACT   server: The server does not run. It ended" in told.stdout) == (4, True)
    assert machine.shell("find config data -user root") == "", "root leaves nothing that the server cannot use"
    machine.run("systemctl", "start", "mox")


def tells_of_backups(machine: Machine) -> None:
    """Made by root, beside a service that may write nowhere but to its own directories."""
    assert "There is no backup yet" in machine.run(*MOX, "status", is_checked=False).stdout
    machine.run(*MOX, "backup", "/srv/monday")
    assert "in /srv/monday" in machine.run(*MOX, "status", is_checked=False).stdout
    assert machine.run(*MOX, "backup", "/proc/tuesday", is_checked=False).returncode != 0
    told = machine.run(*MOX, "status", is_checked=False).stdout
    assert "The last backup failed" in told
    assert "in /srv/monday" in told


def reloads(machine: Machine, main: str) -> None:
    """The main process stays, the engine is another, and a message that is half sent is taken."""
    before = engine(machine)
    assert talk(machine, TALK_MEANWHILE) == ["250"]
    machine.wait_for("ActiveState", "active")
    assert machine.show("MainPID") == main
    assert engine(machine) != before
    assert talk(machine) == ["250", "250"]
    assert machine.show("NRestarts") == "0"


def refuses_a_broken_configuration(machine: Machine) -> None:
    before = engine(machine)
    machine.run("sed", "-i", "s/^LogLevel: /LogLevel: x/", "config/mox.conf")
    assert machine.run("systemctl", "reload", "mox", is_checked=False).returncode != 0
    machine.run("sed", "-i", "s/^LogLevel: x/LogLevel: /", "config/mox.conf")
    assert (machine.show("ActiveState"), engine(machine)) == ("active", before)


def is_watched(machine: Machine) -> None:
    """An engine that hangs is ended, and the service started again."""
    machine.shell(
        f"mkdir {UNITS}/mox.service.d; printf '[Service]\\nWatchdogSec=4s\\nTimeoutAbortSec=1s\\nRestartSec=1s\\n'"
        f" >{UNITS}/mox.service.d/soon.conf; systemctl daemon-reload; systemctl restart mox"
    )
    machine.run("kill", "-STOP", engine(machine))
    machine.wait_for("NRestarts", "1")
    machine.wait_for("ActiveState", "active")
    assert talk(machine) == ["250", "250"]


def test_systemd_may_open_the_ports(machine: Machine) -> None:
    machine.shell(
        "python3 mox.pyz config printservice -sockets >units;"
        f" sed '/^# The rest/,$d' units >{UNITS}/mox.service; sed '1,/^# The rest/d' units >{UNITS}/mox.socket;"
        " systemctl daemon-reload"
    )
    machine.run("systemctl", "enable", "--now", "mox.service")
    assert talk(machine) == ["250", "250"]
    main = machine.show("MainPID")
    assert rights(machine, main)["CapBnd"] == "0" * 16
    machine.run("systemctl", "reload", "mox")
    assert talk(machine) == ["250", "250"]
    machine.run("systemctl", "stop", "mox.service")
    assert machine.show("ActiveState") == "inactive"
    assert talk(machine) == ["250", "250"]  # who connects has the service started
    assert machine.show("ActiveState") == "active"
