"""SEARCH and ESEARCH responses (RFC 3501 §7.2.5, RFC 9051 §7.3.4, RFC 7162 §3.1.5, RFC 5267, RFC 9394).

    esearch    = "ESEARCH" [SP "(" correlator ")"] [SP "UID"] *(SP name SP value)
    correlator = "TAG" SP string [SP "MAILBOX" SP astring SP "UIDVALIDITY" SP nz-number]             RFC 7377 §4
    value      = "(" position SP sequence-set *(SP position SP sequence-set) ")"         of ADDTO and REMOVEFROM

A SEARCH response is one line however many numbers there are: several are allowed, but imapclient (Python, 2024) takes
only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.mailboxname import write_mailbox
from app.wire.imap.parse.search import Returns, SearchReturn
from app.wire.imap.respond.sync import MAX_SET, split_set
from app.wire.imap.response import Code
from app.wire.imap.sequence import compact
from app.wire.imap.tokens import write_quoted

MAX_PLACED: Final = 300  # numbers behind one position, so that a line stays below 4 KiB


@dataclass(frozen=True, slots=True)
class Searched:
    """A mailbox that was searched by ESEARCH, whatever is selected."""

    name: str
    uidvalidity: int


def search_response(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """The numbers that were found; `modseq` is the highest of them when the search was for modseqs."""
    words = " ".join(["* SEARCH", *map(str, numbers)])
    if modseq is not None and numbers:
        words += f" (MODSEQ {modseq})"
    return words.encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result of a search: uids or sequence numbers, in the order that was asked for."""

    tag: str
    uid: bool
    numbers: Sequence[int]
    modseq: int | None = None  # the highest of them, when the search was for modseqs
    mailbox: Searched | None = None  # with ESEARCH


def esearch_head(tag: str, *, uid: bool, mailbox: Searched | None = None, utf8: bool = False) -> bytes:
    """The front of every ESEARCH response about one search."""
    head = b"* ESEARCH (TAG %b" % write_quoted(tag.encode("ascii"))
    if mailbox is not None:
        head += b" MAILBOX %b UIDVALIDITY %d" % (write_mailbox(mailbox.name, utf8=utf8), mailbox.uidvalidity)
    return head + (b") UID" if uid else b")")


def esearch_response(found: Found, returns: Returns, *, utf8: bool = False) -> bytes:
    """What was asked to be returned. MIN, MAX and ALL are left out when nothing was found (RFC 4731 §3.1)."""
    numbers, options = found.numbers, returns.options
    words: list[str] = []
    if numbers and SearchReturn.MIN in options:
        words.append(f" MIN {numbers[0]}")
    if numbers and SearchReturn.MAX in options:
        words.append(f" MAX {numbers[-1]}")
    if SearchReturn.COUNT in options:
        words.append(f" COUNT {len(numbers)}")
    if numbers and found.modseq is not None:
        words.append(f" MODSEQ {found.modseq}")
    if numbers and SearchReturn.ALL in options:
        words.append(f" ALL {compact(numbers)}")
    if returns.partial is not None:
        page = compact(numbers[returns.partial.places(len(numbers))]) or "NIL"
        words.append(f" PARTIAL ({returns.partial.text} {page})")
    head = esearch_head(found.tag, uid=found.uid, mailbox=found.mailbox, utf8=utf8)
    return head + "".join(words).encode("ascii") + b"\r\n"


class ResultChange(Enum):
    """How a result that is kept up to date changes."""

    ADDTO = b"ADDTO"
    REMOVEFROM = b"REMOVEFROM"


@dataclass(frozen=True, slots=True)
class Placed:
    """Numbers that come into a result at a place from 1 on, or leave it there; 0 is their place in the mailbox."""

    position: int
    numbers: Sequence[int]


def result_changes(head: bytes, change: ResultChange, placed: Iterable[Placed]) -> bytes:
    """ESEARCH responses, which a client follows in their order (RFC 5267 §4.3.2)."""
    lines: list[bytes] = []
    pairs: list[str] = []
    size = 0
    for pair in (pair for one in placed for pair in _pairs(change, one)):
        if pairs and size + len(pair) > MAX_SET:
            lines.append(_changes_line(head, change, pairs))
            pairs, size = [], 0
        pairs.append(pair)
        size += len(pair) + 1
    if pairs:
        lines.append(_changes_line(head, change, pairs))
    return b"".join(lines)


def _changes_line(head: bytes, change: ResultChange, pairs: list[str]) -> bytes:
    return b"%b %b (%b)\r\n" % (head, change.value, " ".join(pairs).encode("ascii"))


def _pairs(change: ResultChange, placed: Placed) -> Iterator[str]:
    """The pairs of position and set; what is removed leaves its place to what follows."""
    if not placed.position:
        yield from (f"0 {piece}" for piece in split_set(compact(placed.numbers)))
        return
    for start in range(0, len(placed.numbers), MAX_PLACED):
        position = placed.position + (start if change is ResultChange.ADDTO else 0)
        yield f"{position} {compact(placed.numbers[start : start + MAX_PLACED])}"


def noupdate(tag: str) -> Code:
    """The result of that search will not be kept up to date (RFC 5267 §4.3.1)."""
    return Code(f"NOUPDATE {write_quoted(tag.encode('ascii')).decode('ascii')}")
