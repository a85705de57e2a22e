"""Reads the files that travel with the program: templates/, static/ and app/data/.

The built archive is unpacked before any of this code runs, so they are plain files beside the packages.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def asset_path(name: str) -> Path:
    """The path of a shipped file such as "templates/mail/dsn_failed.txt"; it stays below the program's own folder."""
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT):
        raise ValueError(f"not a shipped file: {name}")
    return path


def read_text(name: str) -> str:
    """The text of a shipped file."""
    return asset_path(name).read_text(encoding="utf-8")
