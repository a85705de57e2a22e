"""Lists of tags, `name=value; name=value`, as signatures, key records and ARC fields hold them (RFC 6376 §3.2).

A name that comes twice makes the whole list invalid, as does a tag without a name; what is not known is for the reader
of the list to ignore. Bounded by MAX_TAGS. Raises BadTags with words that can stand in a result.
"""

from __future__ import annotations

import base64
import binascii
import re

from app.errors import MailError

MAX_TAGS = 64

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANKS = re.compile(r"[ \t\r\n]+")


class BadTags(MailError):
    """A list of tags that cannot be read."""


def parse_tags(raw: bytes) -> dict[str, str]:
    """The values by name, without white space around them. Values may be UTF-8 (RFC 8616 §5)."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadTags("it is not UTF-8") from None
    if _CONTROL.search(text):
        raise BadTags("it holds control characters")
    specs = text.split(";", MAX_TAGS + 1)
    if not specs[-1].strip():
        specs.pop()
    if len(specs) > MAX_TAGS:
        raise BadTags(f"it has more than {MAX_TAGS} tags")
    tags: dict[str, str] = {}
    for spec in specs:
        name, equals, value = (part.strip() for part in spec.partition("="))
        if not equals or not _NAME.match(name):
            raise BadTags(f"{spec.strip()[:40]!r} is not name=value")
        if name in tags:
            raise BadTags(f"the tag {name}= comes twice")
        tags[name] = value
    return tags


def without_blanks(value: str) -> str:
    """A value in which white space means nothing."""
    return _BLANKS.sub("", value)


def words(value: str) -> tuple[str, ...]:
    """A value that is a list with colons."""
    return tuple(without_blanks(value).split(":"))


def decode_base64(value: str, name: str) -> bytes:
    """The bytes of a base64 value; raises BadTags."""
    try:
        raw = base64.b64decode(without_blanks(value), validate=True)
    except (binascii.Error, ValueError):
        raise BadTags(f"the value of {name}= is not base64") from None
    if not raw:
        raise BadTags(f"{name}= has no value")
    return raw
