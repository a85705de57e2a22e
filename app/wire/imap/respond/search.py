"""SEARCH and ESEARCH responses (RFC 3501 §7.2.5, RFC 9051 §7.3.4, RFC 7162 §3.1.5, RFC 5267 §3, RFC 9394).

    esearch = "ESEARCH" [SP "(" "TAG" SP string ")"] [SP "UID"] *(SP name SP value)

A SEARCH response is one line however many numbers there are: several are allowed, but imapclient (Python, 2024) takes
only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.wire.imap.parse.search import Returns, SearchReturn
from app.wire.imap.sequence import compact
from app.wire.imap.tokens import write_quoted


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


def esearch_response(found: Found, returns: Returns) -> bytes:
    """What was asked to be returned. MIN, MAX and ALL are left out when nothing was found (RFC 4731 §3.1)."""
    numbers, options = found.numbers, returns.options
    words = ["UID"] if found.uid else []
    if numbers and SearchReturn.MIN in options:
        words.append(f"MIN {numbers[0]}")
    if numbers and SearchReturn.MAX in options:
        words.append(f"MAX {numbers[-1]}")
    if SearchReturn.COUNT in options:
        words.append(f"COUNT {len(numbers)}")
    if numbers and found.modseq is not None:
        words.append(f"MODSEQ {found.modseq}")
    if numbers and SearchReturn.ALL in options:
        words.append(f"ALL {compact(numbers)}")
    if returns.partial is not None:
        page = compact(numbers[returns.partial.places(len(numbers))]) or "NIL"
        words.append(f"PARTIAL ({returns.partial.text} {page})")
    tag = write_quoted(found.tag.encode("ascii")).decode("ascii")
    return " ".join([f"* ESEARCH (TAG {tag})", *words]).encode("ascii") + b"\r\n"
