"""A server in this process for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smtpserver.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Closed at the end, with all accounts checked for consistency."""
    world = World(tmp_path)
    yield world
    world.close()
