"""A data directory has one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import StoreError
from app.store.datalock import DataInUse, DataLock

HOLD = """
import sys
from pathlib import Path
from app.store.datalock import DataLock
lock = DataLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_second_one_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = DataLock(tmp_path / "data")
    with first, pytest.raises(DataInUse, match=f"process {os.getpid()} works on .*data"):
        DataLock(tmp_path / "data").take()
    with DataLock(tmp_path / "data"):
        pass


def test_a_process_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    with pytest.raises(DataInUse, match=f"process {child.pid} "):
        DataLock(tmp_path).take()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with DataLock(tmp_path):
        pass


@pytest.mark.parametrize("way", ["symbolic", "hard"])
def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path, way: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "lock").hardlink_to(victim) if way == "hard" else (tmp_path / "lock").symlink_to(victim)
    with pytest.raises(StoreError, match="cannot use"):
        DataLock(tmp_path).take()
    assert victim.read_text() == "precious"
