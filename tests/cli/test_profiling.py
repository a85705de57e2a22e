"""`-cpuprof` and `-memprof`: files that say something, however the command ends."""

from __future__ import annotations

import os
import pstats
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main

MAIN = "import sys; from app.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_profiles_of_a_command_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["-cpuprof", str(tmp_path / "cpu"), "-memprof", str(tmp_path / "memory"), "helpall"]) == 0
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert "usage: mox" in capsys.readouterr().out
    names = {name for _, _, name in pstats.Stats(str(tmp_path / "cpu")).stats}  # type: ignore[attr-defined]
    assert "_help_all" in names
    assert "bytes held" in (tmp_path / "memory").read_text()


def test_file_that_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["-cpuprof", str(tmp_path / "no" / "cpu"), "version"]) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
    told = capsys.readouterr()
    assert "No such file or directory" in told.err
    assert told.out == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_command_that_is_ended_by_a_signal_leaves_its_profiles(tmp_path: Path, number: signal.Signals) -> None:
    cpu, memory, message = tmp_path / "cpu", tmp_path / "memory", tmp_path / "message"
    os.mkfifo(message)
    command = [sys.executable, "-c", MAIN, "-cpuprof", str(cpu), "-memprof", str(memory), "message", "parse"]
    with (
        subprocess.Popen([*command, str(message)], stderr=subprocess.DEVNULL) as process,
        message.open("wb"),  # which waits until the command reads
    ):
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    assert pstats.Stats(str(cpu)).total_calls > 0  # type: ignore[attr-defined]
    assert "bytes held" in memory.read_text()
