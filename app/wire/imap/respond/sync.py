"""What keeps a client's picture of its mailbox current: EXISTS, EXPUNGE, VANISHED (RFC 9051 §7.4.1, §7.5.1).

    expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids         RFC 7162 §3.2.10

A set of uids can be long, and clients read lines into buffers, so VANISHED is split into lines below 4 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MAX_SET: Final = 4000  # bytes of a set in one line


def exists(count: int) -> bytes:
    """How many messages there are."""
    return b"* %d EXISTS\r\n" % count


def expunges(seqs: Iterable[int]) -> bytes:
    """One line for each sequence number, each counted after the removals before it."""
    return b"".join([b"* %d EXPUNGE\r\n" % seq for seq in seqs])


def vanished(uids: Iterable[range], *, is_earlier: bool = False) -> bytes:
    """These sorted uids are gone; `is_earlier` says before now, in an answer to SELECT or FETCH."""
    text = ",".join(str(span.start) if len(span) == 1 else f"{span.start}:{span[-1]}" for span in uids)
    prefix = "* VANISHED (EARLIER)" if is_earlier else "* VANISHED"
    return "".join(f"{prefix} {piece}\r\n" for piece in split_set(text)).encode("ascii")


def split_set(text: str, limit: int = MAX_SET) -> list[str]:
    """The text of a set as texts of at most `limit` characters, cut between ranges."""
    pieces: list[str] = []
    while len(text) > limit:
        cut = text.rindex(",", 0, limit + 1)
        pieces.append(text[:cut])
        text = text[cut + 1 :]
    return [*pieces, text] if text else pieces
