"""Root is given up whole; each test in a process of its own, as there is no way back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.net.privileges import Ids, PrivilegeError, drop, require_reach

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop it")
DROP = """
import os
from pathlib import Path
from app.net.privileges import Ids, drop, require_reach
drop(Ids(12345, 12346))
print(os.getresuid(), os.getresgid(), os.getgroups())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, extra_groups=[1, 2])


@needs_root
def test_every_id_changes_and_no_group_stays() -> None:
    done = run(DROP)
    assert done.stdout == "(12345, 12345, 12345) (12346, 12346, 12346) []\n", done.stderr


def test_root_is_no_user_to_run_as() -> None:
    with pytest.raises(PrivilegeError, match="is root"):
        drop(Ids(0, 0))


@needs_root
def test_directory_in_the_way_is_named(tmp_path: Path) -> None:
    place = tmp_path / "closed" / "data"
    place.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    require_reach(place, "root", "")
    done = run(DROP + f"require_reach(Path({str(place)!r}), 'mox', 'move it')")
    assert f"user 'mox' cannot reach {place}, as it may not enter " in done.stderr
    assert "; move it" in done.stderr
