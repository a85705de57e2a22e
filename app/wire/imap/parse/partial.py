"""PARTIAL: a page of a result, for searches and FETCH (RFC 9394 §3, RFC 5267 §4.4).

partial = "PARTIAL" SP (nz-number ":" nz-number / "-" nz-number ":-" nz-number)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.wire.imap.tokens import MAX_NUMBER, ImapCursor

_RANGE = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})(?![0-9])")


@dataclass(frozen=True, slots=True)
class PartialRange:
    """A page of a result: from one place to another, both counted from 1, or from the end when they are negative."""

    text: str  # as the client wrote it
    low: int
    high: int
    is_from_end: bool = False

    def places(self, count: int) -> slice:
        """The page as a slice of a result of that many."""
        if self.is_from_end:
            return slice(max(count - self.high, 0), max(count - self.low + 1, 0))
        return slice(self.low - 1, self.high)


def parse_partial(cursor: ImapCursor) -> PartialRange:
    """A range such as 1:100, or -1:-100 for the last hundred (RFC 9394 §3.1)."""
    start = cursor.pos
    found = cursor.match(_RANGE)
    if found is None or found[1] != found[3] or max(int(found[2]), int(found[4])) > MAX_NUMBER:
        cursor.pos = start
        cursor.fail("a range such as 1:100 or -1:-100")
    low, high = sorted((int(found[2]), int(found[4])))
    return PartialRange(found[0].decode("ascii"), low, high, found[1] == b"-")
