"""Proofs by command, against a control socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.control import ControlWorld


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlWorld:
    world = ControlWorld(tmp_path)
    monkeypatch.setenv("MOXCONF", str(world.live.path))
    return world


def test_a_test_message_that_nobody_has_taken_yet_is_no_success(
    world: ControlWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sendtest", "-wait", "0", "jane@example.com", "old@example.net"]
    assert world.run(lambda: main(words)) == 1
    assert "waiting" in capsys.readouterr().out


def test_where_nothing_arrived_that_is_said(world: ControlWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.run(lambda: main(["arrivals", "jane"])) == 0
    assert capsys.readouterr().out == "nothing has arrived\n"
