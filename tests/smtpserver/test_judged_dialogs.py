"""A conversation for each reason of a verdict, against a server that asks DNS, its filter and block lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.junk.reputation import Method
from app.smtpserver.verdict import Reason
from tests.smtpserver.judgedworld import JudgedWorld

DIALOGS = Path(__file__).parent.parent / "dialogs" / "smtp"
# A reputation is named by its method, and none decides nothing.
WORDS = {one.value for one in (*Reason, *Method)} - {Reason.REPUTATION.value, Method.NONE.value}


def test_each_reason_has_a_dialogue() -> None:
    assert {path.stem.removeprefix("judged_") for path in DIALOGS.glob("judged_*.smtp")} == WORDS


@pytest.mark.parametrize("word", sorted(WORDS))
def test_dialogue(word: str, tmp_path: Path) -> None:
    world = JudgedWorld(tmp_path)
    world.run(DIALOGS / f"judged_{word}.smtp")
    world.close()
