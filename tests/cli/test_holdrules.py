"""`queue holdrules`: what an operator says to a running server, and what it says back."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.control import ControlWorld


def test_rule_holds_what_is_queued_is_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = ControlWorld(tmp_path)
    queue = ["-config", str(world.live.path), "queue"]

    def work() -> None:
        rules = [*queue, "holdrules"]
        assert main([*rules, "add"]) == 2
        assert main([*rules, "add", "-account", "nobody"]) == 1
        assert main([*rules, "add", "-recipientdom", "not a domain"]) == 1
        assert main([*rules, "remove", "7"]) == 1
        capsys.readouterr()
        assert main([*rules, "list"]) == 0
        assert main([*rules, "add", "-account", "jane", "-recipientdom", "EXAMPLE.net."]) == 0
        assert main([*rules, "list"]) == 0
        assert main([*rules, "remove", "1"]) == 0
        assert main([*rules, "list"]) == 0

    world.run(work)
    assert capsys.readouterr().out.splitlines() == [
        "no hold rules",
        "rule 1: 1 recipients are on hold now; 'queue unhold' lets them go",
        "1  account jane, to example.net",
        "what is on hold stays so until 'queue unhold'",
        "no hold rules",
    ]
