"""The page of the vacation answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account import vacation
from app.store.account.vacation import Vacation
from tests.web.world import World

TYPED = {
    "on": "yes",
    "subject": "Away",
    "text": "Back soon.\r\n\r\nJane  ",
    "begins": "2026-12-24",
    "ends": "2026-12-26",
}


def test_it_is_saved_and_shown_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert "Nobody gets an answer" in jane.get("/account/vacation").text
        assert jane.post("/account/vacation", TYPED).status_code == 303
        assert world.jane.read_now(vacation.find) == Vacation(
            is_on=True, subject="Away", text="Back soon.\n\nJane", begins=1798070400, ends=1798329600
        )
        page = jane.get("/account/vacation").text
        for name in ("subject", "begins", "ends"):
            assert f'value="{TYPED[name]}"' in page
        jane.post("/account/vacation", {"on": "yes", "text": "x"})
        assert "answering" in jane.get("/account/vacation").text
        jane.post("/account/vacation", {"on": "", "text": "x"})
        assert "Nobody gets an answer" in jane.get("/account/vacation").text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": " \r\n "}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"begins": "24.12."}, "begins"),
        ({"ends": "2026-12-23"}, "ends"),
        ({"subject": "x" * 201}, "subject"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(tmp_path: Path, change: dict[str, str], field: str) -> None:
    with World(tmp_path) as world:
        page = world.account().post("/account/vacation", {**TYPED, **change})
        assert page.status_code == 422
        assert f'id="{field}-error"' in page.text
        assert world.jane.read_now(vacation.find) == Vacation()
