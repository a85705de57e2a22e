"""Nothing acknowledged is lost, whatever happens to the process or the disk.

Real processes, really killed; and real system calls made to fail one after the other, by strace's fault injection.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.store.account.check import check
from app.store.accounts import Accounts

WORKER = Path(__file__).with_name("deliver_forever.py")
KILLS = 6
FAULTS_EACH = 12  # failures of each system call, spread over the run
SYSTEM_CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "link")


def stored_and_consistent(directory: Path) -> list[int]:
    """The numbers of the messages in the Inbox, of a data directory that must be consistent."""
    accounts = Accounts(directory)
    account = accounts.open_now("test")
    query = (
        "SELECT c.message_id FROM message m JOIN content c ON c.id = m.content_id"
        " JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = 'Inbox' ORDER BY m.uid"
    )
    found = account.read_now(lambda db: [int(text.partition("@")[0]) for (text,) in db.execute(query)])
    problems = check(account, hashes=True)
    accounts.close()
    assert problems == []
    return found


def said(lines: list[str], word: str) -> set[int]:
    return {int(line.split()[1]) for line in lines if line.startswith(word + " ")}


def assert_kept(lines: list[str], found: list[int]) -> None:
    assert len(found) == len(set(found)), "a message is there twice"
    acknowledged, gone = said(lines, "ok"), said(lines, "gone")
    may_be_gone = {number for number in acknowledged if number % 7 == 0}
    assert acknowledged - may_be_gone <= set(found)
    assert not gone & set(found)


def test_kill_at_random_moments_loses_nothing_acknowledged(tmp_path: Path):
    lines: list[str] = []
    for kill in range(KILLS):
        first = kill * 100_000
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(tmp_path), str(first), "100000"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        threading.Timer(random.uniform(0.02, 0.8), process.kill).start()
        lines += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
    assert len(said(lines, "ok")) > KILLS
    assert_kept(lines, stored_and_consistent(tmp_path))


def run_with_fault(directory: Path, call: str, when: int) -> list[str]:
    """The worker's output for a short run in which one system call fails once."""
    command = [
        *("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call),
        *("-e", f"inject={call}:error=EIO:when={when}"),
        *(sys.executable, str(WORKER), str(directory), "0", "24"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout.splitlines()


def count_calls(directory: Path, call: str) -> int:
    trace = directory / "trace"
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=" + call]
    data = directory / "data"
    subprocess.run([*command, sys.executable, str(WORKER), str(data), "0", "24"], check=True, capture_output=True)
    return len(re.findall(rf"{call}\(", trace.read_text()))


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_each_failing_system_call_is_refused_and_leaves_the_account_whole(tmp_path: Path, call: str):
    calls = count_calls(tmp_path, call)
    assert calls > 0
    step = max(1, calls // FAULTS_EACH)
    for when in range(1, calls + 1, step):
        directory = tmp_path / f"fault-{when}"
        lines = run_with_fault(directory, call, when)
        assert_kept(lines, stored_and_consistent(directory))
        shutil.rmtree(directory)
