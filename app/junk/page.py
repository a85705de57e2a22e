"""What an HTML text says to a reader, and what it does behind their back, for the junk filter.

Text within a word stays joined where the tag between is one that shows nothing (`vi<b></b>agra`); other tags separate.
The marks are the elements, the colours, and styles that hide text. One pass of one regular expression; comments,
scripts and styles that are not closed swallow the rest, as browsers have it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_PIECE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|svg)\b.*?(?:</\1[^>]*>|\Z)|<(/?)([a-z][a-z0-9]*)([^>]*)(?:>|\Z)|<[!?/][^>]*(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_INLINE = frozenset(
    (
        "a abbr acronym b bdi bdo big cite code em font i ins kbd mark o q s samp small span"
        " strike strong sub sup tt u var wbr"
    ).split()
)
_COLOUR = re.compile(r"(?:color|bgcolor|background)[\"':= ]{1,4}(#[0-9a-f]{3,6}|[a-z]{3,20})", re.IGNORECASE)
_HIDING = re.compile(
    r"display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?[01](?:px|pt|em)?\b|opacity\s?:\s?0\b|max-height\s?:\s?0|mso-hide",
    re.IGNORECASE,
)
_TARGET = re.compile(r"\b(?:href|src|action|background)\s?=\s?[\"']?([^\"'\s>]{1,500})", re.IGNORECASE)
_SHOWN = re.compile(r"\b(?:alt|title)\s?=\s?\"([^\"]{1,200})\"", re.IGNORECASE)
MAX_ATTRIBUTES = 2000  # characters of one tag


@dataclass(frozen=True, slots=True)
class Page:
    """The text, the targets of links and pictures, and the marks."""

    text: str
    targets: tuple[str, ...]
    marks: frozenset[str]


class _Reader:
    """Gathers targets and marks, and says what stands in place of a tag."""

    __slots__ = ("marks", "targets")

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.marks: set[str] = set()

    def replace(self, match: re.Match[str]) -> str:
        """What stands in the text instead of a tag or comment."""
        name = match[3]
        if name is None:
            return " " if match[1] else ""
        name = name.lower()
        if not match[2]:
            self.marks.add("t:" + name)
            if len(match[4]) > 3:
                shown = self._attributes(match[4][:MAX_ATTRIBUTES])
                if shown:
                    return shown
        return "" if name in _INLINE else " "

    def _attributes(self, text: str) -> str:
        self.targets += _TARGET.findall(text)
        if "olor" in text or "OLOR" in text or "background" in text:
            self.marks.update(["colour:" + colour.lower() for colour in _COLOUR.findall(text)])
        if ":" in text:
            self.marks.update(["hides:" + hiding.lower().replace(" ", "") for hiding in _HIDING.findall(text)])
        return f" {shown[1]} " if (shown := _SHOWN.search(text)) else ""


def read_page(source: str) -> Page:
    """The text and the marks of an HTML text."""
    reader = _Reader()
    text = _PIECE.sub(reader.replace, source)
    if "&" in text:
        text = html.unescape(text)
    return Page(text, tuple(reader.targets), frozenset(reader.marks))
