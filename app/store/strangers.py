"""What strangers say of themselves, as it is kept: short, and without what could garble a page or a terminal."""

from __future__ import annotations

from typing import Final

MAX_TEXT: Final = 200  # characters


def printable(text: str) -> str:
    """The beginning of the text, with a question mark for what cannot be seen."""
    return "".join(char if char.isprintable() else "?" for char in text[:MAX_TEXT])
