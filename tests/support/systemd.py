"""A machine of its own with the real systemd in it: our units are started, stopped and watched as on a server.

systemd is process 1 of new namespaces: its own processes, network, mounts and control groups. What it and the tests
write there (/etc, /srv, /run, /tmp, ...) are copies or empty, and no unit of this machine is known in it: the only
folder of units is its own /etc/systemd/system, with nothing but empty targets. It ends with the one process that the
test started.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.built import readable_archive

SYSTEMD = "/lib/systemd/systemd"
IP = "198.51.100.7"
DIRECTORY = "/srv/mox"
READY_S = 30
_PYTHON = "/usr/bin/python3"  # which the service finds: `env python3`, with the PATH that systemd gives
_PROGRAMS = ("unshare", "nsenter", "mount", "systemctl", "useradd", "ip")
_NAMESPACES = ("--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup")
_TARGETS = "sysinit basic sockets timers paths slices multi-user shutdown network network-online local-fs"
_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root")
_START = f"""
mount -t proc proc /proc
mount -t tmpfs tmpfs /srv
mkdir {DIRECTORY} /srv/etc
cp "$1" {DIRECTORY}/mox.pyz
cp -a /etc/. /srv/etc
mount --bind /srv/etc /etc
if [ -e /etc/systemd/system ]; then rm -r /etc/systemd/system; fi
mkdir -p /etc/systemd/system
for target in {_TARGETS}; do
    printf '[Unit]\\nDescription=%s\\nDefaultDependencies=no\\n' $target >/etc/systemd/system/$target.target
done
if ! id mox >/dev/null 2>&1; then useradd --system --home-dir / --shell /usr/sbin/nologin mox; fi
for path in /tmp /var/tmp /var/cache /var/lib /var/log; do mount -t tmpfs -o mode=1777 tmpfs $path; done
mount -t tmpfs -o mode=755 tmpfs /run
umount --lazy --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
ip address add {IP}/32 dev lo
cd {DIRECTORY}
exec env -i container=test SYSTEMD_UNIT_PATH=/etc/systemd/system {" ".join(_ENVIRONMENT)} \\
    {SYSTEMD} --system --unit=multi-user.target --log-target=console --show-status=no
"""


@cache
def skip_reason() -> str:
    """Why this machine cannot have another one in it; "" when it can."""
    if os.geteuid() != 0:
        return "needs root, for namespaces"
    if missing := [name for name in (*_PROGRAMS, SYSTEMD, _PYTHON) if shutil.which(name) is None]:
        return f"needs the programs {', '.join(missing)} (Debian: systemd, util-linux, iproute2, passwd, python3)"
    if not _control_groups():
        return "needs control groups of version 2"
    script = "umount --lazy --recursive /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    done = subprocess.run(["unshare", *_NAMESPACES, "sh", "-ec", script], capture_output=True, text=True)
    return f"needs the right to make namespaces and to mount: {done.stderr.strip()}" if done.returncode else ""


def _control_groups() -> Path | None:
    """Where they are, as files that can be written."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, path, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(path)
    return None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a test does there, as root."""

    first: int  # the process id, out here, of its systemd

    def run(self, *command: str, given: str = "", is_checked: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in our directory; it must end well if that is checked."""
        inside = ["nsenter", "--target", str(self.first), "--all", "env", "-i", f"--chdir={DIRECTORY}", *_ENVIRONMENT]
        done = subprocess.run([*inside, *command], input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 or not is_checked, done.stdout + done.stderr
        return done

    def shell(self, script: str) -> str:
        """What a script of the shell prints; it must end well."""
        return self.run("sh", "-ec", script).stdout

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "--property", name, "--value", "mox.service").stdout.strip()

    def wait_for(self, name: str, wanted: str) -> None:
        """Until a property of the service has this value."""
        deadline = time.monotonic() + READY_S
        while (seen := self.show(name)) != wanted:
            assert time.monotonic() < deadline, f"{name} is {seen}, not {wanted}: {self.status()}"
            time.sleep(0.1)

    def status(self) -> str:
        """How the service stands, in systemd's words."""
        return self.run("systemctl", "--no-pager", "status", "mox.service", is_checked=False).stdout


@contextlib.contextmanager
def open_machine() -> Iterator[Machine]:
    """While the block lasts; `skip_reason` must have been asked before."""
    groups = _control_groups()
    assert groups is not None
    group = groups / f"mox-test-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    script = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
    words = ["sh", "-ec", script, "sh", str(group), "unshare", *_NAMESPACES]
    process = subprocess.Popen([*words, "sh", "-ec", _START, "sh", str(readable_archive())], stdin=subprocess.DEVNULL)
    try:
        yield _wait_until_up(process)
    finally:
        process.kill()
        process.wait()
        _remove(group)


def _wait_until_up(process: subprocess.Popen[bytes]) -> Machine:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the machine ended as soon as it was started"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            machine = Machine(int(children[0]))
            if machine.run("systemctl", "is-active", "multi-user.target", is_checked=False).stdout.strip() == "active":
                return machine
        time.sleep(0.1)
    raise AssertionError("the machine did not come up")


def _remove(group: Path) -> None:
    """The control groups, when the last process in them is gone."""
    deadline = time.monotonic() + READY_S
    folders = [*reversed([Path(folder) for folder, _, _ in os.walk(group)])]
    while folders:
        try:
            folders[0].rmdir()
        except OSError:
            assert time.monotonic() < deadline, f"processes are left in {folders[0]}"
            time.sleep(0.05)
        else:
            folders.pop(0)
