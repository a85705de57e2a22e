"""Settings for all tests. Fixtures live beside what they build, in tests/support."""

from __future__ import annotations

import pytest
from hypothesis import settings

from app import log

# Other processes share the machine: a slow example is no fault. The same examples each run, so that a failure is one.
settings.register_profile("mox", deadline=None, derandomize=True, database=None)
settings.load_profile("mox")


@pytest.fixture(autouse=True)
def log_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets for the logs of the process ends with it."""
    for name in ("default", "packages", "write"):
        monkeypatch.setattr(log.SETTINGS, name, getattr(log.SETTINGS, name))


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Tests of bytes are numbered: what they hold may be made by a random key or the clock, and workers must agree."""
    return argname if isinstance(val, bytes) else None
