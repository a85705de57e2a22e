"""A position in bytes, for parsers that read one value after the other.

A grammar makes a subclass that names its error, so that whatever goes wrong is one type and says where, in bytes from
the start, and what was wanted. Patterns are compiled by the grammar and matched in place; nothing is copied but what
is returned. A pattern must be linear in its input, as what is read comes from strangers.
"""

from __future__ import annotations

import re
from typing import ClassVar, NoReturn

from app.errors import WireError


class Cursor:
    """Reads `data` from the front."""

    __slots__ = ("data", "pos")

    error: ClassVar[type[WireError]] = WireError

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been read."""
        return self.pos >= len(self.data)

    def peek(self) -> bytes:
        """The next byte, or nothing at the end."""
        return self.data[self.pos : self.pos + 1]

    def starts_with(self, prefix: bytes) -> bool:
        """Whether `prefix` comes next."""
        return self.data.startswith(prefix, self.pos)

    def take(self, prefix: bytes) -> bool:
        """Pass over `prefix` if it comes next; whether it did."""
        if self.data.startswith(prefix, self.pos):
            self.pos += len(prefix)
            return True
        return False

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Pass over what `pattern` matches here, if it does."""
        if found := pattern.match(self.data, self.pos):
            self.pos = found.end()
        return found

    def expect(self, pattern: re.Pattern[bytes], wanted: str) -> bytes:
        """Pass over what `pattern` matches here and return it; raises when it does not match."""
        found = pattern.match(self.data, self.pos)
        if found is None:
            self.fail(wanted)
        self.pos = found.end()
        return found[0]

    def expect_bytes(self, prefix: bytes, wanted: str) -> None:
        """Pass over `prefix`; raises when it does not come next."""
        if not self.data.startswith(prefix, self.pos):
            self.fail(wanted)
        self.pos += len(prefix)

    def expect_end(self) -> None:
        """Raises when something is left."""
        if self.pos < len(self.data):
            self.fail("the end")

    def fail(self, wanted: str) -> NoReturn:
        """Raise: `wanted` should have come next."""
        raise self.error(f"expected {wanted} at position {self.pos + 1}", self.pos)
