"""The words of an HTML text, for previews and notices: no layout, no styles, no scripts.

One pass over the text split at `<`; unclosed comments and elements swallow the rest, as browsers have it. The result is
text for people and must be escaped before it stands in HTML again.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"(/?)([A-Za-z][A-Za-z0-9]*)")
_HIDDEN = frozenset({"script", "style", "head", "title", "svg", "template"})
_BREAKS = frozenset(
    {"br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "td"}
)


def html_to_text(source: str) -> str:
    """The visible text, with a newline where an element begins a new line."""
    first, *pieces = source.split("<")
    kept = [first]
    hidden = ""  # the element, or `--` for a comment, whose end is awaited
    for piece in pieces:
        if hidden == "--":
            _, end, rest = piece.partition("-->")
            if end:
                hidden = ""
                kept.append(rest)
            continue
        if piece.startswith("!--"):
            _, end, rest = piece[3:].partition("-->")
            hidden = "" if end else "--"
            kept.append(rest if not hidden else "")
            continue
        hidden = _add_element(piece, hidden, kept)
    return html.unescape("".join(kept))


def _add_element(piece: str, hidden: str, kept: list[str]) -> str:
    """Add what follows a tag; the element that hides what comes next, or nothing."""
    match = _TAG.match(piece)
    if not match:
        if not hidden:
            kept.append(piece.partition(">")[2] if piece.startswith(("!", "?", "/")) else "<" + piece)
        return hidden
    is_end, name = match[1] == "/", match[2].lower()
    text = piece.partition(">")[2]
    if hidden:
        is_shown = (is_end and name == hidden) or (hidden == "head" and name == "body")
        if not is_shown:
            return hidden
    elif name in _HIDDEN and not is_end:
        return name
    kept.append(("\n" if name in _BREAKS else "") + text)
    return ""
