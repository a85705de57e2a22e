"""Whole conversations, as text in tests/dialogs/imap."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.imapserver import selected
from tests.imapserver.world import World

DIALOGS = Path(__file__).parent.parent / "dialogs" / "imap"


@pytest.mark.parametrize("script", sorted(DIALOGS.glob("*.imap")), ids=lambda path: path.stem)
def test_dialog(script: Path, world: World):
    world.run(script)


@pytest.mark.parametrize("name", ["races.imap", "two_clients.imap", "qresync.imap", "deleted_under.imap"])
def test_dialog_is_the_same_where_departed_messages_are_kept_as_columns(name: str, world: World, monkeypatch):
    monkeypatch.setattr(selected, "MANY", 0)
    world.run(DIALOGS / name)
