"""One `localserve` for all tests of a module, started from mox.pyz on a loopback address of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.built import Instance


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Instance]:
    """A running server. Its address comes from our process id, so that test runs at the same time do not meet."""
    directory: Path = tmp_path_factory.mktemp("localserve") / "data"
    with Instance(directory, own_ip()).running() as instance:
        yield instance


def own_ip(number: int = 1) -> str:
    """A loopback address that only this test process uses; `number` is from 1 to 30."""
    pid = os.getpid()
    return f"127.{100 + (pid >> 11) % 100}.{(pid >> 3) & 0xFF}.{(pid & 7) * 32 + number}"
