"""What follows a backslash, outside and inside of brackets: characters, Perl classes, Unicode properties."""

from __future__ import annotations

import re

from app.errors import WireError
from app.wire.regexp.characters import Property, Ranges, is_property

_SPACE = (("\t", "\n"), ("\f", "\r"), (" ", " "))  # Go's \s is without \v
_WORD = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_DIGIT = (("0", "9"),)
PERL_CLASSES = {
    "d": Ranges(_DIGIT),
    "D": Ranges(_DIGIT, is_negated=True),
    "s": Ranges(_SPACE),
    "S": Ranges(_SPACE, is_negated=True),
    "w": Ranges(_WORD),
    "W": Ranges(_WORD, is_negated=True),
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# A digit from 1 to 7 alone would be a back-reference.
_NUMBER = re.compile(r"\\(?:x\{([0-9A-Fa-f]{1,8})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))")
_PROPERTY = re.compile(r"\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))")


def escaped_char(text: str, at: int) -> tuple[str, int]:
    """The one character that the escape at `at` stands for, and the place after it."""
    if number := _NUMBER.match(text, at):
        hexadecimal = number[1] or number[2]
        code = int(hexadecimal, 16) if hexadecimal else int(number[3], 8)
        if code > 0x10FFFF:
            raise WireError(f"no such character: {number[0]}", at)
        return chr(code), number.end()
    follower = text[at + 1 : at + 2]
    if control := _CONTROLS.get(follower):
        return control, at + 2
    if follower and follower.isascii() and not follower.isalnum():
        return follower, at + 2
    raise WireError(f"unknown escape \\{follower}" if follower else "a \\ at the end", at)


def property_item(text: str, at: int) -> tuple[Property, int]:
    """The Unicode property at `at`, and the place after it."""
    match = _PROPERTY.match(text, at)
    name = (match[3] or match[4]) if match else ""
    if match is None or not is_property(name):
        raise WireError(f"unknown class of characters {match[0] if match else text[at : at + 2]}", at)
    return Property(name, is_negated=(match[1] == "P") != bool(match[2])), match.end()
