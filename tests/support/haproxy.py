"""Debian's HAProxy before a server's ports, which tells the server whom it connects for (PROXY protocol)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_S = 10.0
_SETTINGS = """global
    maxconn 100
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""


@dataclass(frozen=True, slots=True)
class Passed:
    """A port that is passed on to the same port of the server, and how the header is written."""

    port: int
    words: str  # send-proxy or send-proxy-v2


@contextmanager
def haproxy(folder: Path, ip: str, server: str, ports: Sequence[Passed]) -> Iterator[None]:
    """HAProxy at `ip`, whose own connections come from there too. It looks now and then whether the server is alive."""
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("needs the package haproxy; see tests/packages.txt")
    path = folder / "haproxy.cfg"
    path.write_text(_SETTINGS + "".join(_section(ip, server, one) for one in ports))
    with open(folder / "haproxy.log", "wb") as log:
        process = subprocess.Popen([program, "-db", "-f", str(path)], stdout=log, stderr=log)
    try:
        for one in ports:
            _wait(process, ip, one.port, folder)
        yield
    finally:
        process.kill()
        process.wait()


def _section(ip: str, server: str, one: Passed) -> str:
    target = f"server mox {server}:{one.port} source {ip} check inter 500ms {one.words}"
    return f"listen port{one.port}\n    bind {ip}:{one.port}\n    {target}\n"


def _wait(process: subprocess.Popen[bytes], ip: str, port: int, folder: Path) -> None:
    limit = time.monotonic() + START_S
    while True:
        assert process.poll() is None, (folder / "haproxy.log").read_text()
        assert time.monotonic() < limit
        try:
            socket.create_connection((ip, port), 1.0).close()
            return
        except OSError:
            time.sleep(0.02)
