"""The page that brings mail from another server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from app.operations.imapimport import runs
from app.operations.imapimport.network import is_public
from app.store.account import imports
from tests.support.accounts import simple_message
from tests.support.mailhost import Folder, Mailhost, in_thread
from tests.web.world import Visitor, World

MARKUP = "<script>x</script>"


def form(port: int, **changes: str) -> dict[str, str]:
    fields = {"host": "127.0.0.1", "user": "old-jane", "password": "secret", "security": "none", "port": str(port)}
    return fields | changes


def when(jane: Visitor, is_there: Callable[[str], bool]) -> str:
    """The page, as soon as it is as it should be."""
    limit = time.monotonic() + 20
    while not is_there(text := jane.get("/account/bring").text):
        assert time.monotonic() < limit, text
        time.sleep(0.02)
    return text


def is_over(text: str) -> bool:
    return 'aria-label="Result"' in text


def test_mail_comes_and_the_page_tells_what_became_of_it(tmp_path: Path) -> None:
    host = Mailhost(
        {"INBOX": Folder({1: simple_message(1), 2: simple_message(2)}), MARKUP: Folder({3: b"A: b\r\n\r\n"})}
    )
    host.omitted = frozenset({3})
    with in_thread(host) as port, World(tmp_path) as world:
        jane = world.account()
        assert jane.post("/account/bring", form(port)).status_code == 303
        text = when(jane, is_over)
        assert "2 messages taken, 1 problem." in text
        assert MARKUP not in text
        assert "&lt;script&gt;x&lt;/script&gt;, message 3: the server does not give it" in text
        again = re.search(r'href="(/account/bring\?source=\d+)"', text)
        assert again is not None
        shown = jane.get(again[1]).text
        assert 'value="127.0.0.1"' in shown
        assert "secret" not in shown


def test_import_under_way_is_shown_to_whoever_comes_back_and_can_be_ended(tmp_path: Path) -> None:
    host = Mailhost({"INBOX": Folder({1: simple_message(1), 2: simple_message(2)})}, holds_at=2)
    with in_thread(host) as port, World(tmp_path) as world:
        jane = world.account()
        jane.post("/account/bring", form(port))
        when(jane, lambda text: "Folder 1 of 1: INBOX" in text)
        assert "Folder 1 of 1: INBOX" in world.account().get("/account/bring/state").text
        jane.post("/account/bring", form(port))
        assert "is being taken from another server already" in jane.get("/account/bring").text
        assert jane.post("/account/bring/cancel", {}).status_code == 303
        text = when(jane, is_over)
        assert "It was ended before it was done." in text
        assert jane.get("/account/bring/state").status_code == 303


def test_what_was_typed_is_checked_and_the_password_is_not_shown_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        for name, value in {"host": "no host", "user": "", "password": "", "security": "x", "port": "70000"}.items():
            page = jane.post("/account/bring", form(1) | {name: value})
            assert page.status_code == 422
            assert f'id="{name}-error"' in page.text
            assert "secret" not in page.text


def test_inside_of_the_network_is_not_reached_from_the_page(tmp_path: Path) -> None:
    host = Mailhost({})
    with in_thread(host) as port, World(tmp_path) as world:
        world.services.imports._holders_reach = is_public
        jane = world.account()
        jane.post("/account/bring", form(port))
        assert "inside this network" in when(jane, is_over)
    assert host.connections == 0


def test_passwords_cannot_be_tried_without_end(tmp_path: Path) -> None:
    host = Mailhost({})
    with in_thread(host) as port, World(tmp_path) as world:
        jane = world.account()
        for _ in range(runs.MAX_STARTS_IN_HOUR):
            assert jane.post("/account/bring", form(port, password="guess")).status_code == 303
            assert "app password" in when(jane, is_over)
        assert "very often" in jane.post("/account/bring", form(port)).text


def test_source_is_forgotten_and_its_mail_stays(tmp_path: Path) -> None:
    host = Mailhost({"INBOX": Folder({1: simple_message(1)})})
    with in_thread(host) as port, World(tmp_path) as world:
        jane = world.account()
        jane.post("/account/bring", form(port))
        when(jane, is_over)
        [source] = world.jane.read_now(imports.sources)
        assert jane.post("/account/bring/forget", {"id": str(source.id)}).status_code == 303
        assert jane.post("/account/bring/forget", {"id": str(source.id)}).status_code == 404
        assert world.jane.read_now(imports.sources) == []
        assert world.jane.read_now(lambda db: db.execute("SELECT count(*) FROM message").fetchone()) == (1,)
