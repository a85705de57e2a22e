"""Debian's microsocks, a real SOCKS5 proxy, on loopback addresses of a test's choice."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

START_S = 10.0


@contextmanager
def microsocks(origin: str) -> Iterator[int]:
    """A proxy on 127.0.0.1 whose own connections come from `origin`; its port."""
    program = shutil.which("microsocks")
    if program is None:
        pytest.skip("needs the package microsocks; see tests/packages.txt")
    port = free_port()
    words = [program, "-i", "127.0.0.1", "-p", str(port), "-b", origin]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + START_S
        while not is_open(port):
            assert process.poll() is None
            assert time.monotonic() < limit
        yield port
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
