"""The conversations in tests/dialogs/smtp against a server in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.smtpserver.world import World

DIALOGS = Path(__file__).parent.parent / "dialogs" / "smtp"
MESSAGES = {"deliver": 2, "bdat": 2, "null_path": 1, "special_localparts": 2}  # in Jane's Inbox afterwards


@pytest.mark.parametrize("path", sorted(DIALOGS.glob("*.smtp")), ids=lambda path: path.stem)
def test_dialog(path, tmp_path):
    world = World(tmp_path, localserve=path.stem == "special_localparts")
    world.run(path)
    assert len(world.messages("jane")) == MESSAGES.get(path.stem, 0)
    world.close()
