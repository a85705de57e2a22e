"""An OpenSMTPD of our own, from Debian's package, which is unpacked and not installed: it conflicts with Postfix's.

Its paths and users are compiled in. It therefore runs in its own view of the files, with a copy of /etc that knows
those users and with empty folders where it keeps its queue; its processes end with the first one. The package is
fetched once, with what apt-get knows, and kept below .venv; where it cannot be had the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support.built import open_place
from tests.support.namespace import skip_reason

KEPT = Path(sys.prefix) / "cache" / "opensmtpd"
READY_S = 30
CONFIGURATION = """\
pki {hostname} cert "{folder}/certificate"
pki {hostname} key "{folder}/key"
listen on {ip} port 25 hostname {hostname} tls pki {hostname}
table users {{ "@" = "nobody" }}
action "keep" maildir "{folder}/mail" virtual <users>
match from any for domain "{domain}" action "keep"
"""
VIEW = """
mount --bind "$1/etc" /etc
mount -t tmpfs none /var/spool
mount -t tmpfs none /var/lib
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /usr/libexec
mkdir -p /var/lib/opensmtpd/empty
cp -r "$2/usr/libexec/opensmtpd" /usr/libexec/
exec "$2/usr/sbin/smtpd" -d -v -f "$1/smtpd.conf"
"""
USERS = (("opensmtpd", 64801), ("opensmtpq", 64802))


@dataclass(frozen=True, slots=True)
class Server:
    """What it has to know of itself; certificate and key are files."""

    ip: str
    domain: str
    hostname: str
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class OpenSmtpd:
    """A running one."""

    folder: Path

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def delivered(self) -> list[bytes]:
        """The messages that came, with the line ends they had on the way."""
        paths = (self.folder / "mail" / "new").glob("*")
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in paths]


@cache
def _unpacked() -> Path:
    """The folder of the unpacked package."""
    if reason := skip_reason():
        pytest.skip(reason)
    tree = KEPT / "tree"
    if tree.exists():
        return tree
    scratch = KEPT / f"scratch-{os.getpid()}"
    scratch.mkdir(parents=True)
    try:
        fetch = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "opensmtpd"]
        done = subprocess.run(fetch, cwd=scratch, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"needs the package opensmtpd, which apt-get cannot download: {done.stderr.strip()}")
        (package,) = scratch.glob("*.deb")
        subprocess.run(["dpkg", "-x", package, scratch / "tree"], check=True, timeout=60)
        if not tree.exists():  # another process may have been quicker
            (scratch / "tree").rename(tree)
    except FileNotFoundError as err:
        pytest.skip(f"needs Debian, for the package opensmtpd: {err}")
    finally:
        shutil.rmtree(scratch)
    return tree


@contextmanager
def running_opensmtpd(server: Server) -> Iterator[OpenSmtpd]:
    """OpenSMTPD on port 25 of an address, for all recipients of a domain."""
    tree = _unpacked()
    missing = subprocess.run(["ldd", tree / "usr/sbin/smtpd"], capture_output=True, text=True).stdout.count("not found")
    if missing:
        pytest.skip("needs libraries of the package opensmtpd: libevent-2.1-7, libdb5.3; see tests/packages.txt")
    with open_place() as folder:
        _prepare(folder, server)
        running = OpenSmtpd(folder)
        words = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-ec",
            VIEW,
            "sh",
            str(folder),
            str(tree),
        ]
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_ready(server.ip, running)
            yield running
        finally:
            process.kill()
            process.wait()


def _prepare(folder: Path, server: Server) -> None:
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    for user, number in USERS:
        with open(folder / "etc" / "passwd", "a") as passwd, open(folder / "etc" / "group", "a") as group:
            passwd.write(f"{user}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n")
            group.write(f"{user}:x:{number}:\n")
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "nobody")
    for source, name in ((server.certificate, "certificate"), (server.key, "key")):
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o600)
    values = {"folder": folder, "ip": server.ip, "hostname": server.hostname, "domain": server.domain}
    (folder / "smtpd.conf").write_text(CONFIGURATION.format(**values))


def _wait_until_ready(ip: str, running: OpenSmtpd) -> None:
    limit = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection((ip, 25), timeout=1).close()
        except OSError:
            assert time.monotonic() < limit, running.log()
            time.sleep(0.05)
        else:
            return
