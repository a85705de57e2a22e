"""Flags of messages: system flags and well-known keywords as bits, other keywords as text (RFC 9051 §2.3.2).

Ten flags have a bit, so all that a mailbox list needs of most messages is one small number, and the 1,024 combinations
are written once. Keywords are atoms; case does not matter, so they are kept in lower case, and those with a bit are
written as they are registered. Several keywords are kept as the store keeps them: sorted, separated by spaces.
Clients may not set \\Recent or a system flag that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.wire.imap.tokens import ImapCursor, atom

SEEN: Final = 1
ANSWERED: Final = 2
FLAGGED: Final = 4
DELETED: Final = 8
DRAFT: Final = 16
FORWARDED: Final = 32
JUNK: Final = 64
NOTJUNK: Final = 128
PHISHING: Final = 256
MDNSENT: Final = 512

SYSTEM: Final = SEEN | ANSWERED | FLAGGED | DELETED | DRAFT
ALL: Final = 1023
NAMES: Final = (
    "\\Seen \\Answered \\Flagged \\Deleted \\Draft $Forwarded $Junk $NotJunk $Phishing $MDNSent".split()
)  # by bit
MAX_KEYWORD = 128  # bytes; clients show and sync them as words

_BITS: Final = {name.lower().encode(): 1 << place for place, name in enumerate(NAMES)}
# How other programs call keywords with a bit, where they keep mail.
_OTHER_NAMES: Final = {
    "forwarded": "$forwarded",
    "junk": "$junk",
    "notjunk": "$notjunk",
    "nonjunk": "$notjunk",
    "$nonjunk": "$notjunk",
    "phishing": "$phishing",
    "mdnsent": "$mdnsent",
}
_KEYWORD = re.compile(rf'[^\x00-\x20\x7f-\U0010ffff(){{%*"\\\]]{{1,{MAX_KEYWORD}}}')


def _combinations() -> list[bytes]:
    written = [b""]
    for name in NAMES:
        word = name.encode()
        written += [flags + b" " + word if flags else word for flags in written]
    return written


_WRITTEN: Final = _combinations()


@dataclass(frozen=True, slots=True)
class FlagSet:
    """The flags of a command: bits, and keywords without a bit, in lower case and sorted."""

    bits: int = 0
    keywords: tuple[str, ...] = ()

    def write(self) -> bytes:
        """The list as on the wire, with its parentheses."""
        return write_flags(self.bits, " ".join(self.keywords))


NO_FLAGS: Final = FlagSet()


def write_flags(bits: int, keywords: str = "") -> bytes:
    """A flag list with its parentheses; `keywords` separated by spaces."""
    if not keywords:
        return b"(%b)" % _WRITTEN[bits]
    return b"(%b %b)" % (_WRITTEN[bits], keywords.encode()) if bits else b"(%b)" % keywords.encode()


def parse_flag(cursor: ImapCursor) -> tuple[int, str]:
    """One flag: its bit, or 0 and its keyword."""
    start = cursor.pos
    slash = b"\\" if cursor.take(b"\\") else b""
    word = (slash + atom(cursor, "a flag")).lower()
    if bit := _BITS.get(word):
        return bit, ""
    if slash or len(word) > MAX_KEYWORD:
        cursor.pos = start
        cursor.fail("a keyword, or one of " + " ".join(NAMES[:5]))
    return 0, word.decode("ascii")


def parse_flags(cursor: ImapCursor) -> FlagSet:
    """A flag list in parentheses."""
    cursor.expect_bytes(b"(", "a list of flags")
    bits = 0
    keywords: set[str] = set()
    is_first = True
    while not cursor.take(b")"):
        if not is_first:
            cursor.expect_bytes(b" ", "a space or )")
        is_first = False
        bit, word = parse_flag(cursor)
        bits |= bit
        if word:
            keywords.add(word)
    return FlagSet(bits, tuple(sorted(keywords)))


def parse_bare_flags(cursor: ImapCursor) -> FlagSet:
    """One or more flags without parentheses, as STORE allows (RFC 9051 §9, store-att-flags)."""
    bits, word = parse_flag(cursor)
    keywords = {word}
    while cursor.take(b" "):
        bit, word = parse_flag(cursor)
        bits |= bit
        keywords.add(word)
    return FlagSet(bits, tuple(sorted(keywords - {""})))


def flagset(names: str) -> FlagSet:
    """The flags named in `names`, as configuration and imports have them; words that cannot be flags are left out."""
    bits = 0
    keywords: set[str] = set()
    for name in names.lower().split():
        if bit := _BITS.get(name.encode("utf-8", "replace")):
            bits |= bit
        elif _KEYWORD.fullmatch(name):
            keywords.add(name)
    return FlagSet(bits, tuple(sorted(keywords)))


def imported_flagset(names: Iterable[str]) -> FlagSet:
    """The flags that archives of other programs name."""
    return flagset(" ".join(_OTHER_NAMES.get(name.lower(), name) for name in names))


def keyword_names(bits: int, keywords: str) -> str:
    """All that is no system flag, as words separated by spaces."""
    words = [name for place, name in enumerate(NAMES) if bits >> place & 1 and not name.startswith("\\")]
    return " ".join([*words, keywords] if keywords else words)
