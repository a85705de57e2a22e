"""Regular expressions of the configuration, in Go's syntax (RE2), matched in linear time (`app.wire.regexp`).

A `Regexp` keeps its text, so that a file is written as it was read; its matcher is made once for each text.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import SconfSyntaxError, WireError
from app.wire.regexp.matcher import Matcher, compile_regexp


@dataclass(frozen=True, slots=True)
class Regexp:
    """A checked regular expression."""

    text: str

    @property
    def matcher(self) -> Matcher:
        """What searches for it, and finds where it and its groups match."""
        return compile_regexp(self.text)

    def search(self, subject: str) -> bool:
        """Whether it matches anywhere in `subject`."""
        return compile_regexp(self.text).search(subject)


def parse_regexp(text: str) -> Regexp:
    """The expression, checked; raises SconfSyntaxError with the reason."""
    try:
        compile_regexp(text)
    except WireError as err:
        place = "" if err.offset is None else f" at character {err.offset + 1}"
        raise SconfSyntaxError(f"bad regular expression {text[:100]!r}: {err.message}{place}") from None
    return Regexp(text)
