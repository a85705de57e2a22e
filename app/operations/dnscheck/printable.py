"""Text of strangers, made fit to be shown: on one line, without control characters, not too long."""

from __future__ import annotations

from collections.abc import Iterable

MAX_SHOWN = 600  # characters: a DKIM record with a key of 2048 bits has 420
MAX_ITEMS = 10


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` with what cannot be seen written as escapes; direction marks and line ends too."""
    cut = text[:limit]
    shown = cut if cut.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in cut)
    return shown if len(shown) <= limit and len(text) <= limit else shown[:limit] + "…"


def printable_list(texts: Iterable[str]) -> str:
    """Several such texts, the first ten, with commas."""
    listed = list(texts)
    more = [f"and {len(listed) - MAX_ITEMS} more"] if len(listed) > MAX_ITEMS else []
    return ", ".join([printable(text, 200) for text in listed[:MAX_ITEMS]] + more)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
