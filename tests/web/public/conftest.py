"""The configuration that most tests of the public pages ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.live import Live
from tests.web.public.world import open_live


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Two domains, a disabled one, and every service."""
    return open_live(tmp_path)
