"""The page of everything that is watched."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.store.looks import Grade, Seen
from tests.web.world import World

SCRIPT = "<script>alert(1)</script>"


def test_the_status_says_what_is_fine_what_is_wrong_and_what_changed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        page = admin.get("/admin/status").text
        assert "Everything that the server can see by itself is fine" in page
        assert "The queue is empty" in page
        world.live.path.write_text(world.live.path.read_text().replace("mx.example.com", "mx2.example.com"))
        assert "All works, but look at what is marked" in admin.get("/admin/status").text
        world.live.domains_path.write_text("Nothing: x\n")
        page = admin.get("/admin/status").text
        assert "Something does not work" in page
        assert page.index("The configuration is wrong") < page.index("The queue is empty")


def test_words_of_others_are_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        seen = Seen(thing=SCRIPT, grade=Grade.ACT, text=SCRIPT)
        asyncio.run(world.server.looks.note("backup", [seen]))
        page = admin.get("/admin/status").text
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page


def test_the_status_is_for_administrators(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert world.visitor("/admin/").get("/admin/status").status_code == 303
