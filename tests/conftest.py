"""Settings for all tests. Fixtures live beside what they build, in tests/support."""

from __future__ import annotations

from hypothesis import settings

# Other processes share the machine: a slow example is no fault. The same examples each run, so that a failure is one.
settings.register_profile("mox", deadline=None, derandomize=True, database=None)
settings.load_profile("mox")
