"""The pages of addresses that get no mail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.store.suppressions import Suppression
from app.web import suppressed
from app.wire.smtp.address import parse_address
from tests.web.world import World


def kept(world: World) -> Sequence[Suppression]:
    return asyncio.run(world.queue.suppressions.list())


def test_a_holder_suppresses_and_allows_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert "mail goes to everybody" in jane.get("/account/suppressed").text
        typed = {"address": "No.Body+x@there.example", "why": "<b>gone</b>"}
        assert jane.post("/account/suppressed", typed).status_code == 303
        page = jane.get("/account/suppressed").text
        assert "and all that are the same as nobody@there.example" in page
        assert "&lt;b&gt;gone&lt;/b&gt;" in page
        assert [(one.account, one.base_address) for one in kept(world)] == [("jane", "nobody@there.example")]
        assert "suppressed already" in jane.post("/account/suppressed", typed).text
        assert jane.post("/account/suppressed/remove", {"address": "nobody@there.example"}).status_code == 303
        assert kept(world) == []


@pytest.mark.parametrize(
    ("change", "field"), [({"address": "nobody"}, "address"), ({"address": ""}, "address"), ({"why": "x" * 201}, "why")]
)
def test_what_is_wrong_stands_beside_its_field(tmp_path: Path, change: dict[str, str], field: str) -> None:
    with World(tmp_path) as world:
        page = world.account().post("/account/suppressed", {"address": "a@there.example", "why": "", **change})
        assert page.status_code == 422
        assert f'id="{field}-error"' in page.text
        assert kept(world) == []


def test_a_holder_sees_and_changes_nothing_of_others(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        asyncio.run(world.queue.suppressions.add("joe", parse_address("a@there.example"), ""))
        jane = world.account()
        assert "a@there.example" not in jane.get("/account/suppressed").text
        jane.post("/account/suppressed/remove", {"of": "joe", "account": "joe", "address": "a@there.example"})
        jane.post("/account/suppressed", {"account": "joe", "address": "b@there.example"})
        assert {(one.account, one.original_address) for one in kept(world)} == {
            ("joe", "a@there.example"),
            ("jane", "b@there.example"),
        }


def test_the_administrator_has_those_of_every_account_and_of_gone_ones(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        asyncio.run(world.queue.suppressions.add("gone", parse_address("a@there.example"), ""))
        admin = world.admin()
        typed = {"account": "jane", "address": "b@there.example"}
        assert admin.post("/admin/suppressed", typed).status_code == 303
        assert admin.post("/admin/suppressed", {**typed, "account": "nobody"}).status_code == 422
        page = admin.get("/admin/suppressed").text
        assert "a@there.example" in page
        assert "b@there.example" in page
        assert admin.post("/admin/suppressed/remove", {"of": "gone", "address": "a@there.example"}).status_code == 303
        assert [one.account for one in kept(world)] == ["jane"]


def test_one_is_found_among_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressed, "MAX_LISTED", 2)
    with World(tmp_path) as world:
        for name in "abc":
            asyncio.run(world.queue.suppressions.add("jane", parse_address(f"{name}@there.example"), ""))
        jane = world.account()
        page = jane.get("/account/suppressed").text
        assert "The first 2 of 3." in page
        assert "c@there.example" not in page
        assert "c@there.example" in jane.get("/account/suppressed?sought=C%2Bx@there.example").text
        assert "is not suppressed" in jane.get("/account/suppressed?sought=d@there.example").text
        assert 'id="sought-error"' in jane.get("/account/suppressed?sought=d").text
