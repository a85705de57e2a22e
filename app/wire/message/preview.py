"""The first words of a message, as clients show them in lists (RFC 8970).

Taken from the first text part that is not an attachment and says something: plain text goes before HTML. Quoted lines,
the line that introduces them, and signatures are left out when something remains. At most 256 characters (RFC 8970
§3.1), blanks collapsed, no control characters.
"""

from __future__ import annotations

import mmap
import re

from app.wire.message.decode import decode_text, text_parts
from app.wire.message.html import html_to_text
from app.wire.message.part import Part

MAX_PREVIEW = 256
MAX_LOOKED_AT = 32 * 1024  # bytes of a part
MAX_TRIED = 5  # parts

_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffd]+")
_SIGNATURE = re.compile(r"^-- ?\r?$", re.MULTILINE)
_INTRODUCTION = re.compile(r"[^\n]{0,200}:[ \t\r]*\Z")


def preview(data: bytes | mmap.mmap, root: Part) -> str:
    """The preview; empty when no part has text."""
    plain = [part for part in text_parts(root) if part.content_type.subtype == "plain" and not _is_attachment(part)]
    other = [part for part in text_parts(root) if part.content_type.subtype == "html" and not _is_attachment(part)]
    for part in (plain + other)[:MAX_TRIED]:
        text = decode_text(data, part, MAX_LOOKED_AT)
        text = html_to_text(text) if part.content_type.subtype == "html" else _own_words(text)
        if line := _one_line(text):
            return line
    return ""


def _is_attachment(part: Part) -> bool:
    return part.details.disposition is not None and part.details.disposition.kind == "attachment"


def _own_words(text: str) -> str:
    """The text without quotes and signature, or all of it when nothing else is there."""
    kept: list[str] = []
    for line in _SIGNATURE.split(text, maxsplit=1)[0].splitlines():
        if not line.startswith(">"):
            kept.append(line)
        elif kept and _INTRODUCTION.match(kept[-1]):
            kept.pop()  # `On ... somebody wrote:`
    own = "\n".join(kept)
    return own if _one_line(own) else text


def _one_line(text: str) -> str:
    line = _INVISIBLE.sub(" ", text).strip()
    if len(line) <= MAX_PREVIEW:
        return line
    cut = line[:MAX_PREVIEW]
    # A word cut in two reads badly, unless the text has no blanks.
    end = cut.rfind(" ")
    return cut[:end] if end > MAX_PREVIEW // 2 and line[MAX_PREVIEW] != " " else cut.rstrip()
