"""The path of a request without dot segments and empty segments, so that what is matched is what is served.

`/a/../b` and `//b` name the same as `/b` (RFC 3986 §5.2.4); a rule for `^/b` must see all three. A path that ends in a
slash still does. A percent sign that stood for a slash was decoded before and counts as one.
"""

from __future__ import annotations

_NO_NAMES = frozenset(("", ".", ".."))


def is_clean(path: str) -> bool:
    """Whether there is nothing to take out."""
    if not path.startswith("/"):
        return False
    if "//" not in path and "/." not in path:
        return True
    segments = path.split("/")
    return not any(segment in _NO_NAMES for segment in segments[1:-1]) and segments[-1] not in (".", "..")


def clean_path(path: str) -> str:
    """The path with its dot segments followed, which never leaves the root, and without empty ones."""
    if is_clean(path):
        return path
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in _NO_NAMES:
            kept.append(segment)
    ends_open = bool(kept) and segments[-1] in _NO_NAMES
    return "/" + "/".join(kept) + ("/" if ends_open else "")
