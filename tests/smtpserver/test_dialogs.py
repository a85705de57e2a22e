"""The conversations in tests/dialogs/smtp against a server in this process that takes mail as it comes.

Those named judged_* are for `test_judged_dialogs.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.smtpserver.world import World

DIALOGS = Path(__file__).parent.parent / "dialogs" / "smtp"
PLAIN = sorted(set(DIALOGS.glob("*.smtp")) - set(DIALOGS.glob("judged_*")))
MESSAGES = {"deliver": 2, "bdat": 2, "null_path": 1, "special_localparts": 2}  # in Jane's Inbox afterwards


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_dialog(path, tmp_path):
    world = World(tmp_path, localserve=path.stem == "special_localparts")
    world.run(path)
    assert len(world.messages("jane")) == MESSAGES.get(path.stem, 0)
    world.close()
