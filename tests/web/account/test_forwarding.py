"""The page of where mail goes on to."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from app.store.account import forwards
from app.store.queuerecords import QueueFilter
from tests.web.world import Visitor, World

ADD = {"address": "jane@example.com", "target": "me@elsewhere.example"}


def code_of(world: World) -> str:
    """The code in the newest mail that is queued."""

    async def look() -> str:
        rows = await world.queue.find(QueueFilter())
        content = await world.queue.content(rows[-1].base_id)
        found = re.search(rb"\r\n    (\w+)\r\n", content.body)
        assert found is not None
        return found[1].decode()

    return asyncio.run(look())


def id_of(jane: Visitor) -> str:
    found = re.search(r'name="id" value="(\d+)"', jane.get("/account/forwarding").text)
    assert found is not None
    return found[1]


def test_an_address_is_added_confirmed_and_removed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert "Nothing is forwarded." in jane.get("/account/forwarding").text
        assert jane.post("/account/forwarding/add", ADD).status_code == 303
        assert "waits for the code" in jane.get("/account/forwarding").text
        confirm = {"id": id_of(jane), "code": "wrong"}
        page = jane.post("/account/forwarding/confirm", confirm)
        assert (page.status_code, "not the code" in page.text) == (422, True)
        jane.post("/account/forwarding/again", {"id": confirm["id"]})
        assert jane.post("/account/forwarding/confirm", confirm | {"code": code_of(world)}).status_code == 303
        page = jane.get("/account/forwarding")
        assert "goes on to me@elsewhere.example now" in page.text
        assert "A copy of what is forwarded stays here." in page.text
        jane.post("/account/forwarding/copy", {"address": ADD["address"], "copy": "none"})
        assert "does not stay here" in jane.get("/account/forwarding").text
        jane.post("/account/forwarding/remove", {"id": confirm["id"]})
        assert world.jane.read_now(forwards.targets) == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "fill this in"),
        ("nobody", "Missing @domain"),
        ("x@example.com", "on this server"),
        ("SRS0=a=b=c=d@elsewhere.example", "not an address of a person"),
    ],
)
def test_what_cannot_be_a_target_is_said_beside_the_field(tmp_path: Path, target: str, words: str) -> None:
    with World(tmp_path) as world:
        page = world.account().post("/account/forwarding/add", ADD | {"target": target})
        assert page.status_code == 422
        assert 'id="target-error"' in page.text
        assert words in page.text
        assert asyncio.run(world.queue.find(QueueFilter())) == []


def test_nobody_forwards_the_mail_of_others(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.post("/account/forwarding/add", ADD | {"address": "locked@example.com"}).status_code == 404
        for path in ("confirm", "again", "remove"):
            assert jane.post(f"/account/forwarding/{path}", {"id": "7", "code": "x"}).status_code == 404


def test_codes_and_targets_are_counted(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        for number in range(forwards.MAX_TARGETS):
            jane.post("/account/forwarding/add", ADD | {"target": f"t{number}@elsewhere.example"})
        page = jane.post("/account/forwarding/add", ADD)
        assert (page.status_code, "addresses at most" in page.text) == (422, True)
        for _ in range(forwards.MAX_CODES_IN_DAY - forwards.MAX_TARGETS):
            assert jane.post("/account/forwarding/again", {"id": id_of(jane)}).status_code == 303
        page = jane.post("/account/forwarding/again", {"id": id_of(jane)})
        assert (page.status_code, "too many codes" in page.text.lower()) == (422, True)
