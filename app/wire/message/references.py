"""Message-IDs and the fields that list them: Message-ID, In-Reply-To, References (RFC 5322 §3.6.4).

The canonical form is lower-case without angle brackets and without comments, so that replies find their parents even
when a program on the way changed the case. It is a key for threads, not what is shown or sent. Reading never raises.
"""

from __future__ import annotations

import re

from app.wire.message.header import strip_comments

MAX_MESSAGE_ID = 998  # RFC 5322 §2.1.1: a line
MAX_REFERENCES = 200  # the last ones count: they are the nearest ancestors

_BRACKETED = re.compile(r"<([^<>]*+)>")
_BLANK = re.compile(r"\s+")


def parse_message_id(value: str) -> str | None:
    """The canonical Message-ID, or None; one without brackets is taken when it is a single word."""
    if match := _BRACKETED.search(value):
        return _canonical(match[1])
    text = strip_comments(value).strip().strip("<>")
    return _canonical(text) if text and not _BLANK.search(text) else None


def parse_references(value: str) -> list[str]:
    """The canonical Message-IDs of References or In-Reply-To, in order, each once."""
    found: dict[str, None] = {}
    for match in _BRACKETED.finditer(value):
        if name := _canonical(match[1]):
            found.setdefault(name)
    return list(found)[-MAX_REFERENCES:]


def _canonical(text: str) -> str | None:
    text = _BLANK.sub("", text).replace('"', "").lower()
    if not text.isascii():  # bytes that are no UTF-8, which `unfold` keeps as surrogates, cannot be stored
        text = text.encode("utf-8", "backslashreplace").decode()
    return text if 0 < len(text) <= MAX_MESSAGE_ID else None
