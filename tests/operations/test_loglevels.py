"""Log levels of the running server."""

from __future__ import annotations

import re
from pathlib import Path

from app.operations.loglevels import PACKAGES

APP = Path(__file__).parents[2] / "app"


def test_every_part_that_writes_a_log_is_explained() -> None:
    names = {name for path in APP.rglob("*.py") for name in re.findall(r'= logger\("(\w+)"\)', path.read_text())}
    assert names == set(PACKAGES)
