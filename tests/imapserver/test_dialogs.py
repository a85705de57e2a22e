"""Whole conversations, as text in tests/dialogs/imap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imapserver.world import World

DIALOGS = Path(__file__).parent.parent / "dialogs" / "imap"


@pytest.mark.parametrize("script", sorted(DIALOGS.glob("*.imap")), ids=lambda path: path.stem)
def test_dialog(script: Path, world: World):
    world.run(script)
