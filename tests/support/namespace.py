"""A network of one's own for a test: its thread, and all that it starts, see nothing of this machine's network.

`own_network` moves the calling thread into a new network namespace of Linux and back. Inside there is a loopback
device with the addresses that are asked for, which may look public, and every other address in the world leads to this
namespace as well: a server bound to the address of some provider is found there, and nothing ever leaves. Ports below
1024 and ones that others hold are free.

`Disguise` starts programs that also have files of /etc and a host name of their own, and see no systemd: what they do
to users or services happens to copies. `leftovers` are processes that a test left behind; `own_network` ends them.

Needs root; `skip_reason` says why a machine cannot do it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_HERE = "/proc/thread-self/ns/net"
_NONLOCAL_BIND = Path("/proc/sys/net/ipv6/ip_nonlocal_bind")
_LIBC = ctypes.CDLL(None, use_errno=True)
ROUNDS = 100  # of 50 ms, for processes to end
_PROGRAMS = ("ip", "unshare", "mount")
_DISGUISE = """
mount --bind "$1" /etc
if [ -d /run/systemd ]; then mount -t tmpfs none /run/systemd; fi
echo "$2" >/proc/sys/kernel/hostname
shift 2
exec "$@"
"""


@cache
def skip_reason() -> str:
    """Why this machine cannot give a test its own network; "" when it can."""
    if os.geteuid() != 0:
        return "needs root, for a network namespace"
    if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
        return f"needs the programs {', '.join(missing)} (Debian: iproute2, util-linux, mount)"
    done = subprocess.run(["unshare", "--net", "--mount", "--uts", "true"], capture_output=True, text=True)
    return f"needs the right to make namespaces: {done.stderr.strip()}" if done.returncode else ""


@contextlib.contextmanager
def own_network(ipv4: str, ipv6: str) -> Iterator[None]:
    """This thread and what it starts are in a network of their own, at these addresses, while the block lasts."""
    before = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        outside = os.readlink(_HERE)
        _call("unshare", _CLONE_NEWNET)
        assert os.readlink(_HERE) != outside, "this is still the machine's network; everybody in it would be ended"
        try:
            _set_up(ipv4, ipv6)
            yield
        finally:
            _end_leftovers()
            _call("setns", before, _CLONE_NEWNET)
    finally:
        os.close(before)


def _call(name: str, *arguments: int) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _set_up(ipv4: str, ipv6: str) -> None:
    """The loopback device, our addresses, and routes that keep the whole world in here."""
    for words in (
        "link set lo up",
        f"address add {ipv4}/32 dev lo",
        f"-6 address add {ipv6}/128 dev lo nodad",
        f"route add local default dev lo src {ipv4} table local",
        f"-6 route add local default dev lo src {ipv6} table local",
    ):
        subprocess.run(["ip", *words.split()], check=True)


@contextlib.contextmanager
def any_address() -> Iterator[None]:
    """While this lasts, servers may be bound to any IPv6 address in the world; for IPv4 that is always so in here."""
    _NONLOCAL_BIND.write_text("1")
    try:
        yield
    finally:
        _NONLOCAL_BIND.write_text("0")


def leftovers() -> list[int]:
    """Other processes in the network of this thread."""
    here = os.readlink(_HERE)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if os.readlink(entry / "ns" / "net") == here:
                    found.append(int(entry.name))
    return found


def _end_leftovers() -> None:
    """End what is left by force, and wait until it is gone."""
    for _ in range(ROUNDS):
        left = leftovers()
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)
    raise AssertionError(f"processes {left} do not end")


@dataclass(frozen=True, slots=True)
class Disguise:
    """A copy of /etc that may be changed, and the name of the machine, for programs that are started with it."""

    etc: Path
    hostname: str

    @classmethod
    def make(cls, folder: Path, hostname: str, files: Mapping[str, str], *, without_user: str) -> Disguise:
        """Copy /etc; `files` replace those there, and the user is taken out."""
        etc = folder / "etc"
        shutil.copytree("/etc", etc, symlinks=True)
        for name, content in files.items():
            (etc / name).unlink(missing_ok=True)  # it may be a link to somewhere else
            (etc / name).write_text(content)
        for path in (etc / name for name in ("passwd", "shadow", "group", "gshadow")):
            if path.exists():
                lines = path.read_text().splitlines(keepends=True)
                path.write_text("".join(line for line in lines if not line.startswith(f"{without_user}:")))
        return cls(etc, hostname)

    def has_user(self, name: str) -> bool:
        """Whether the copy knows a user."""
        return any(line.startswith(f"{name}:") for line in (self.etc / "passwd").read_text().splitlines())

    def words(self, *command: str) -> list[str]:
        """The command that starts another one so; the process stays the same."""
        return ["unshare", "--mount", "--uts", "sh", "-ec", _DISGUISE, "sh", str(self.etc), self.hostname, *command]
