"""Regular expressions of the configuration: written in Go's syntax (RE2), matched by Python.

`parse_regexp` translates what the two spell differently: `$` and `\\z`, `[[:alpha:]]`, flags in the middle, `\\Q..\\E`,
`\\x{..}`, `{,3}` as plain text; and refuses what Go refuses or Python cannot do (look-around, back-references,
`\\p{..}` other than letters and digits, possessive repeats). A `Regexp` keeps its text, so that a file is written as it
was read.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from app.errors import SconfSyntaxError

MAX_REGEXP = 2000  # characters

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_FLAGS = re.compile(r"\(\?([imsU]*(?:-[imsU]+)?)([:)])")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_][0-9A-Za-z_]*)>")
_REPEAT = re.compile(r"(?:[*+?]|\{[0-9]{1,4}(?:,[0-9]{0,4})?\})\??")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_POSIX = re.compile(r"\[:([a-z]+):\]")
_PROPERTY = re.compile(r"\\p(?:\{(\w+)\}|(\w))")
_PROPERTIES = {"L": r"(?u:[^\W\d_])", "N": r"(?u:\d)", "Nd": r"(?u:\d)"}
_ESCAPES = frozenset("AbBdDsSwWafnrtv")


@dataclass(frozen=True, slots=True)
class Regexp:
    """A checked regular expression."""

    text: str

    def search(self, subject: str) -> re.Match[str] | None:
        """Where in `subject` it matches first."""
        return _compile(self.text).search(subject)


def parse_regexp(text: str) -> Regexp:
    """The expression, checked; raises SconfSyntaxError with the reason."""
    if len(text) > MAX_REGEXP:
        raise SconfSyntaxError(f"a regular expression longer than {MAX_REGEXP} characters")
    try:
        _compile(text)
    except (re.error, OverflowError, RecursionError) as err:
        raise SconfSyntaxError(f"bad regular expression {text!r}: {err}") from None
    return Regexp(text)


@functools.lru_cache(maxsize=1024)
def _compile(text: str) -> re.Pattern[str]:
    return re.compile(_Translation(text).run(), re.ASCII)  # in Go \\d, \\w and \\s are ASCII


@dataclass(slots=True)
class _Group:
    """An open parenthesis: whether `$` is also the end of a line in it, and the flag groups we opened within."""

    multiline: bool
    flags: list[str]


class _Translation:
    """One walk over the text, writing the same in Python's syntax."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []
        self.groups = [_Group(False, [])]

    def run(self) -> str:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        if len(self.groups) > 1:
            raise re.error("missing closing )")
        return "".join(self.out) + ")" * len(self.groups[0].flags)

    def _take(self, source: str, translated: str) -> None:
        self.at += len(source)
        self.out.append(translated)

    def _step(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            flags = self.groups[-1].flags  # a flag reaches over alternatives, so its group is closed and opened again
            self._take(char, ")" * len(flags) + "|" + "".join(flags))
        elif char == "$":
            self._take(char, "$" if self.groups[-1].multiline else r"\Z")
        elif repeat := _REPEAT.match(self.text, self.at):
            self._repeat(repeat[0])
        else:
            self._take(char, re.escape(char) if char in "{}" else char)

    def _repeat(self, repeat: str) -> None:
        self._take(repeat, repeat)
        if _REPEAT.match(self.text, self.at):
            raise re.error(f"a repeat after the repeat {repeat}")

    def _open(self) -> None:
        if flags := _FLAGS.match(self.text, self.at):
            self._flags(flags)
        elif named := _NAMED.match(self.text, self.at):
            self._take(named[0], f"(?P<{named[1]}>")
            self._push()
        elif self.text.startswith("(?", self.at):
            raise re.error("look-around and other (? groups are not possible")
        else:
            self._take("(", "(")
            self._push()

    def _push(self) -> None:
        self.groups.append(_Group(self.groups[-1].multiline, []))

    def _flags(self, match: re.Match[str]) -> None:
        if "U" in match[1]:
            raise re.error("the flag U is not possible")
        if match[2] == ":":
            self._take(match[0], match[0])
            self._push()
        else:
            self._take(match[0], f"(?{match[1]}:")
            self.groups[-1].flags.append(f"(?{match[1]}:")
        on, _, off = match[1].partition("-")
        self.groups[-1].multiline = "m" in on or (self.groups[-1].multiline and "m" not in off)

    def _close(self) -> None:
        if len(self.groups) == 1:
            raise re.error("a ) without (")
        self._take(")", ")" * (len(self.groups.pop().flags) + 1))

    def _escape(self) -> None:
        follower = self.text[self.at + 1 : self.at + 2]
        if follower == "Q":
            end = self.text.find("\\E", self.at + 2)
            literal = self.text[self.at + 2 : end if end >= 0 else None]
            self._take(f"\\Q{literal}" + ("\\E" if end >= 0 else ""), re.escape(literal))
        elif follower == "z":
            self._take("\\z", r"\Z")
        else:
            self._plain_escape(follower)

    def _plain_escape(self, follower: str) -> None:
        if hexadecimal := _HEX.match(self.text, self.at):
            self._take(hexadecimal[0], re.escape(chr(min(int(hexadecimal[1], 16), 0x10FFFF))))
        elif (prop := _PROPERTY.match(self.text, self.at)) and (prop[1] or prop[2]) in _PROPERTIES:
            self._take(prop[0], _PROPERTIES[prop[1] or prop[2]])
        elif follower == "x":
            self._take(self.text[self.at : self.at + 4], self.text[self.at : self.at + 4])
        elif follower in _ESCAPES or (follower and not follower.isalnum()):
            self._take("\\" + follower, "\\" + follower)
        else:
            raise re.error(f"unknown escape \\{follower}")

    def _class(self) -> None:
        start = self.at
        opening = "[^" if self.text.startswith("[^", self.at) else "["
        self._take(opening, opening)
        if self.text.startswith("]", self.at):
            self._take("]", r"\]")
        while not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                raise re.error(f"missing closing ] for the [ at {start}")
            self._class_item(self.text[self.at])
        self._take("]", "]")

    def _class_item(self, char: str) -> None:
        if posix := _POSIX.match(self.text, self.at):
            if posix[1] not in _CLASSES:
                raise re.error(f"unknown class {posix[0]}")
            self._take(posix[0], _CLASSES[posix[1]])
        elif char == "\\":
            if self.text.startswith("\\p", self.at):
                raise re.error("\\p is not possible within brackets")
            self._plain_escape(self.text[self.at + 1 : self.at + 2])
        else:
            self._take(char, "\\" + char if char in "[&~|" else char)
