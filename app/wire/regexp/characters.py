"""Classes of characters: ranges, Unicode properties, and letters that differ only in case.

A class is asked about one character at a time and never written out: the automaton asks once for each character and
place and remembers. Case is ignored as Go does it, by Unicode's simple folding, in which the Kelvin sign is a k too.

General categories are Python's. Python does not know scripts, so those in SCRIPTS are recognised by the names of
characters, which say the script first; others are refused.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

MAX_CHAR = "\U0010ffff"
SCRIPTS = {
    "Arabic": ("ARABIC ",),
    "Armenian": ("ARMENIAN ",),
    "Bengali": ("BENGALI ",),
    "Cyrillic": ("CYRILLIC ",),
    "Devanagari": ("DEVANAGARI ",),
    "Georgian": ("GEORGIAN ",),
    "Greek": ("GREEK ",),
    "Han": ("CJK UNIFIED ", "CJK COMPATIBILITY IDEOGRAPH", "CJK RADICAL ", "KANGXI RADICAL "),
    "Hangul": ("HANGUL ", "HALFWIDTH HANGUL "),
    "Hebrew": ("HEBREW ",),
    "Hiragana": ("HIRAGANA ",),
    "Katakana": ("KATAKANA ", "HALFWIDTH KATAKANA "),
    "Latin": ("LATIN ", "FULLWIDTH LATIN "),
    "Thai": ("THAI ",),
}
CATEGORIES = frozenset(
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cs".split()
)
ANY = "Any"
_LAST_CASED = 0x1FFFF  # no plane above has letters with case


@dataclass(frozen=True, slots=True)
class Ranges:
    """The characters from the first to the last of each pair, or all others."""

    pairs: tuple[tuple[str, str], ...]
    is_negated: bool = False

    def has(self, char: str) -> bool:
        """Whether the character itself, in its own case, is in a range."""
        return any(first <= char <= last for first, last in self.pairs)


@dataclass(frozen=True, slots=True)
class Property:
    """The characters of a general category or script, or all others."""

    name: str
    is_negated: bool = False

    def has(self, char: str) -> bool:
        """Whether the character itself has the property."""
        if self.name == ANY:
            return True
        if scripts := SCRIPTS.get(self.name):
            return unicodedata.name(char, "").startswith(scripts)
        category = unicodedata.category(char)
        return category.startswith(self.name) and category != "Cn"  # what is not assigned is in no category of Go


@dataclass(frozen=True, slots=True)
class CharClass:
    """What stands in brackets: the characters of all items, or all others."""

    items: tuple[Ranges | Property, ...]
    is_negated: bool = False
    ignores_case: bool = False

    def has(self, char: str) -> bool:
        """Whether the class has the character."""
        forms = other_cases(char) if self.ignores_case else (char,)
        return any(any(map(item.has, forms)) != item.is_negated for item in self.items) != self.is_negated


def is_property(name: str) -> bool:
    """Whether `\\p{name}` can be asked for."""
    return name == ANY or name in CATEGORIES or name in SCRIPTS


@functools.lru_cache(maxsize=1024)
def other_cases(char: str) -> tuple[str, ...]:
    """The character and those that differ from it only in case."""
    if char.isascii() and char not in "kKsS":
        return (char, char.swapcase()) if char.isalpha() else (char,)
    return _orbits().get(char, (char,))


@functools.cache
def _orbits() -> dict[str, tuple[str, ...]]:
    """All characters with case by each of them."""
    found: dict[str, list[str]] = {}
    for char in map(chr, range(_LAST_CASED + 1)):
        folded = _fold(char)
        if folded != char:
            found.setdefault(folded, [folded]).append(char)
    return {char: tuple(orbit) for orbit in found.values() for char in orbit}


def _fold(char: str) -> str:
    """Unicode's simple case folding, which never makes two characters of one."""
    folded = char.casefold()
    if len(folded) == 1:
        return folded
    lower = char.lower()
    return lower if len(lower) == 1 else char
