"""Names of files in a Maildir, and the file `dovecot-keywords` beside them.

    1732310276.U17.mox:2,FSa        received, unique, host; flags, and keywords by letters

A folder `cur` holds the messages with flags, `new` those that no program has seen, `tmp` those that are being written.
Sub-mailboxes are folders within, or as Maildir++ has it `.Archive.2019` beside, in modified UTF-7. The keywords file
has lines "0 word" for the letters a to z. A colon in the name may be something else where a system has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.wire.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, FORWARDED, SEEN, FlagSet, imported_flagset

KEYWORDS_FILE: Final = "dovecot-keywords"
MAX_KEYWORDS: Final = 26
MAX_KEYWORDS_BYTES: Final = 64 * 1024

_LETTERS: Final = {"D": DRAFT, "F": FLAGGED, "P": FORWARDED, "R": ANSWERED, "S": SEEN, "T": DELETED}
_TIME = re.compile(r"(\d{1,12})(?=\.)")
_INFO = re.compile(r"[:;!_-]2,([A-Za-z]*)[^/]*$")
_LATEST: Final = 253402300799  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Named:
    """What a file name says; `time` is seconds since 1970, None when it does not say."""

    time: int | None
    letters: str


def parse_name(name: str) -> Named:
    """The meaning of a file name; names that follow no rule say nothing."""
    time, info = _TIME.match(name), _INFO.search(name)
    seconds = int(time[1]) if time else None
    return Named(seconds if seconds is not None and seconds <= _LATEST else None, info[1] if info else "")


def write_name(unique: str, time: int, letters: str) -> str:
    """The name of a file in `cur`."""
    return f"{max(0, time)}.{unique}.mox:2,{letters}"


def read_letters(letters: str, keywords: Mapping[str, str]) -> FlagSet:
    """The flags that letters stand for; `keywords` are the words of the small ones."""
    bits = 0
    for letter in letters:
        bits |= _LETTERS.get(letter, 0)
    named = imported_flagset(keywords[letter] for letter in letters if letter in keywords)
    return FlagSet(bits | named.bits, named.keywords)


def write_letters(bits: int, words: Sequence[str], letters: Mapping[str, str]) -> str:
    """The letters for flags, in the order of the alphabet; `letters` has those of keywords, others are left out."""
    flags = "".join(letter for letter, bit in _LETTERS.items() if bits & bit)
    return flags + "".join(sorted(letters[word] for word in words if word in letters))


def parse_keywords(data: bytes) -> dict[str, str]:
    """The words of a keywords file by their letters."""
    found: dict[str, str] = {}
    for line in data[:MAX_KEYWORDS_BYTES].decode("utf-8", "replace").splitlines():
        number, _, word = line.partition(" ")
        if number.isascii() and number.isdigit() and len(number) < 3 and int(number) < MAX_KEYWORDS and word.strip():
            found[chr(ord("a") + int(number))] = word.strip()
    return found


def write_keywords(words: Sequence[str]) -> bytes:
    """A keywords file of at most MAX_KEYWORDS words."""
    return "".join(f"{number} {word}\n" for number, word in enumerate(words)).encode()


def letters_of(words: Sequence[str]) -> dict[str, str]:
    """The letters of the words of a keywords file."""
    return {word: chr(ord("a") + number) for number, word in enumerate(words)}
