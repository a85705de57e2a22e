"""Names for mailboxes out of names that others gave to folders and files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from app.errors import BadMailboxName
from app.wire.imap.mailboxname import SEPARATOR, canonical

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def element(text: str) -> str:
    """A part of a mailbox name, without what it may not have."""
    text = _CONTROL.sub(" ", text.replace(SEPARATOR, "_")).strip()
    if text in ("", ".", ".."):
        return "_"
    return "_" + text[1:] if text.startswith("#") else text


def joined(path: Sequence[str], otherwise: str) -> str:
    """The mailbox name of clean elements; `otherwise` when it is too long or too deep."""
    try:
        return canonical(SEPARATOR.join(path))
    except BadMailboxName:
        return otherwise


def shown(text: str) -> str:
    """A name of theirs as it can be shown."""
    return _CONTROL.sub(" ", text)[:200]
