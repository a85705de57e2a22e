"""STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

store = "STORE" SP sequence-set [SP "(" "UNCHANGEDSINCE" SP modseq ")"] SP store-att-flags
store-att-flags = ["+" / "-"] "FLAGS" [".SILENT"] SP (flag-list / (flag *(SP flag)))
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.command import Command
from app.wire.imap.flags import FlagSet, parse_bare_flags, parse_flags
from app.wire.imap.sequence import SequenceSet, parse_set
from app.wire.imap.tokens import ImapCursor, number64, space

_UNCHANGEDSINCE = re.compile(rb"\(unchangedsince ", re.IGNORECASE)
_FLAGS = re.compile(rb"([+-]?)flags(\.silent)? ", re.IGNORECASE)


class StoreMode(Enum):
    """What becomes of the flags that are not named."""

    SET = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


_MODES: Final = {b"": StoreMode.SET, b"+": StoreMode.ADD, b"-": StoreMode.REMOVE}


@dataclass(frozen=True, slots=True)
class StoreCommand(Command):
    """Change the flags of messages."""

    uid: bool
    sequence: SequenceSet
    mode: StoreMode
    flags: FlagSet
    is_silent: bool = False
    unchangedsince: int | None = None


def parse_store(cursor: ImapCursor, tag: str, *, uid: bool = False) -> StoreCommand:
    """STORE messages [(UNCHANGEDSINCE modseq)] FLAGS flags."""
    space(cursor)
    sequence = parse_set(cursor)
    space(cursor)
    unchangedsince = None
    if cursor.match(_UNCHANGEDSINCE):
        unchangedsince = number64(cursor, "a modseq")
        cursor.expect_bytes(b") ", ") after the modseq")
    found = cursor.match(_FLAGS)
    if found is None:
        cursor.fail("FLAGS, +FLAGS or -FLAGS, with or without .SILENT")
    flags = parse_flags(cursor) if cursor.starts_with(b"(") else parse_bare_flags(cursor)
    return StoreCommand(tag, uid, sequence, _MODES[found[1]], flags, found[2] is not None, unchangedsince)
