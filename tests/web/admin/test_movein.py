"""The page about moving in from the Go server."""

from __future__ import annotations

from pathlib import Path

from tests.web.world import World


def test_steps_name_their_commands_and_what_was_typed_is_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        page = admin.get("/admin/movein").text
        assert "/home/mox/mox export maildir /home/mox/export/jane /home/mox/data/accounts/jane" in page
        assert "Give jane a password" in page
        assert "<script>x" not in admin.get("/admin/movein?old=<script>x").text
        assert 'href="/admin/movein"' in admin.get("/admin/accounts").text
