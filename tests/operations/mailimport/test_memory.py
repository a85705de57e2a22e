"""Memory stays the same however many messages an archive has: MOX_ARCHIVE_MESSAGES=1000000 tries it for a million."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.operations.archives.entry import small
from app.operations.archives.zipwriting import ZipWriter
from tests.support.accounts import simple_message
from tests.support.configuration import small_live

MESSAGES = int(os.environ.get("MOX_ARCHIVE_MESSAGES", "50000"))
MOST_MB = 100
ROOT = Path(__file__).resolve().parent.parent.parent.parent

# Runs a command and says how much memory of its own it had at most; pages of files that the system keeps do not count.
COMMAND = """
import re, sys, threading
from app.cli.main import main

peak, is_over = 0, threading.Event()

def look():
    global peak
    with open("/proc/self/status") as file:
        peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+)", file.read())[1]))

def watch():
    while not is_over.wait(0.02):
        look()

threading.Thread(target=watch).start()
code = main(sys.argv[1:])
is_over.set()
look()
print(code, peak >> 10)
"""


def peak_mb(*arguments: str) -> int:
    """Runs a command to its good end; its memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, cwd=ROOT, check=True
    )
    code, peak = done.stdout.split()[-2:]
    assert code == "0", done.stderr[-2000:]
    return int(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the memory figures of Linux")
@pytest.mark.timeout(3600)
def test_archive_of_many_messages_needs_little_memory(tmp_path: Path) -> None:
    live = small_live(tmp_path)
    archive, again = tmp_path / "in.zip", tmp_path / "out.zip"
    entries = (
        small(f"In/cur/{1_700_000_000 + number}.x:2,S", simple_message(number, "text " * 50))
        for number in range(MESSAGES)
    )
    with archive.open("wb") as file:
        file.writelines(ZipWriter(tmp_path).write(entries))
    config = ("-config", str(live.path))
    assert peak_mb(*config, "import", "archive", "jane", str(archive)) <= MOST_MB
    assert peak_mb(*config, "export", "maildir", "-archive", "zip", str(again), "jane") <= MOST_MB
    assert again.stat().st_size > archive.stat().st_size // 2
