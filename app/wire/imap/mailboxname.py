"""Mailbox names: the canonical form, their form on the wire, and LIST patterns (RFC 9051 §5.1, §6.3.9).

A canonical name is what the store keeps: NFC, elements separated by `/`, INBOX in any case written `Inbox`, also as
the first element of a longer name. `canonical` makes one or raises BadMailboxName, whose text a person may read.
Patterns are matched by following all possibilities at once, so time is linear in the name whatever the pattern.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from app.errors import BadMailboxName
from app.wire.imap import modutf7
from app.wire.imap.tokens import ImapCursor, astring, list_mailbox, text, write_astring

INBOX: Final = "Inbox"
SEPARATOR: Final = "/"
MAX_BYTES: Final = 1000  # of a whole name; other servers store at most as much
MAX_PATTERN_BYTES: Final = 4 * MAX_BYTES  # room for wildcards and modified UTF-7
MAX_LEVELS: Final = 50  # CREATE makes every parent, so this bounds what one command makes

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def canonical(name: str) -> str:
    """The form of `name` that the store keeps; raises BadMailboxName."""
    if not name:
        raise BadMailboxName("a mailbox name cannot be empty")
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    elements = name.split(SEPARATOR)
    if problem := _problem(name, elements):
        raise BadMailboxName(problem)
    if elements[0].lower() == "inbox":
        return SEPARATOR.join([INBOX, *elements[1:]])
    return name


def _problem(name: str, elements: list[str]) -> str:
    """What is wrong with a name, or nothing."""
    if _CONTROL.search(name):
        return "a mailbox name cannot have control characters or line breaks"
    if len(name.encode("utf-8")) > MAX_BYTES:
        return f"a mailbox name cannot be longer than {MAX_BYTES} bytes"
    if not elements[0] or not elements[-1]:
        return f'a mailbox name cannot start or end with "{SEPARATOR}"'
    if "" in elements:
        return f'a mailbox name cannot have "{SEPARATOR}" twice in a row'
    if "." in elements or ".." in elements:
        return 'a part of a mailbox name cannot be "." or ".."'
    if name.startswith("#"):
        return 'a mailbox name cannot start with "#"'
    if len(elements) > MAX_LEVELS:
        return f"a mailbox cannot be more than {MAX_LEVELS} levels deep"
    return ""


def parse_mailbox(cursor: ImapCursor) -> str:
    """A mailbox name as the client wrote it, decoded but not yet canonical."""
    return _decode(astring(cursor, "a mailbox name"), utf8=cursor.utf8)


def parse_pattern(cursor: ImapCursor) -> str:
    """A LIST pattern, decoded."""
    raw = list_mailbox(cursor)
    if len(raw) > MAX_PATTERN_BYTES:
        cursor.fail(f"a pattern of at most {MAX_PATTERN_BYTES} bytes")
    return _decode(raw, utf8=cursor.utf8)


def _decode(raw: bytes, *, utf8: bool) -> str:
    return text(raw, "mailbox name") if utf8 else modutf7.decode(raw)


def write_mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A name as on the wire: UTF-8 where the client has enabled it, else modified UTF-7."""
    return write_astring(name.encode("utf-8"), utf8=True) if utf8 else write_astring(modutf7.encode(name))


class Pattern:
    """A LIST pattern: `*` is any text, `%` any text without the separator.

    States are the bits of a number: bit i means that the first i symbols of the pattern have been matched. A wildcard
    keeps its bit and also opens the one after it.
    """

    __slots__ = ("_accept", "_masks", "_percents", "_stars", "_wild", "text")

    def __init__(self, pattern: str) -> None:
        self.text = _canonical_pattern(pattern)
        self._masks: dict[str, int] = {}
        self._stars = self._percents = 0
        for place, symbol in enumerate(self.text):
            if symbol == "*":
                self._stars |= 1 << place
            elif symbol == "%":
                self._percents |= 1 << place
            else:
                self._masks[symbol] = self._masks.get(symbol, 0) | 1 << place
        self._wild = self._stars | self._percents
        self._accept = 1 << len(self.text)

    def matches(self, name: str) -> bool:
        """Whether the canonical `name` fits. Inbox fits in any case of letters (RFC 9051 §5.1)."""
        if not self._wild:
            return name == self.text
        if self.text == "*":
            return True
        has_inbox = name.startswith(INBOX) and name[len(INBOX) :][:1] in ("", SEPARATOR)
        states = self._open(1)
        for place, character in enumerate(name):
            mask = self._masks.get(character, 0)
            if has_inbox and place < len(INBOX):
                mask = self._masks.get(character.lower(), 0) | self._masks.get(character.upper(), 0)
            kept = self._stars if character == SEPARATOR else self._wild
            states = self._open((states & mask) << 1 | states & kept)
            if not states:
                return False
        return bool(states & self._accept)

    def _open(self, states: int) -> int:
        return states | (states & self._wild) << 1  # one step is enough, as no two wildcards are neighbours


def _canonical_pattern(pattern: str) -> str:
    """NFC, Inbox as such, and no neighbouring wildcards, which say no more than the wider one of them."""
    pattern = unicodedata.normalize("NFC", pattern)
    first, separator, rest = pattern.partition(SEPARATOR)
    if first.lower() == "inbox":
        pattern = INBOX + separator + rest
    return re.sub("[*%]+", lambda run: "*" if "*" in run[0] else "%", pattern)


@lru_cache(256)
def compile_pattern(pattern: str) -> Pattern:
    """The pattern for a text; clients repeat themselves."""
    return Pattern(pattern)
