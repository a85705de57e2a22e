"""Sets of message numbers: sequence-set, uid-set, and the saved result `$` (RFC 9051 §9, RFC 5182).

    sequence-set = (seq-number / seq-range) ["," sequence-set] / "$"        seq-number = nz-number / "*"

A set stays as ranges: `1:4294967295` is one pair, never four thousand million numbers. `*` is the largest number there
is, so a set has a meaning only beside a mailbox: `uid_spans` finds the positions of a set of uids in a sorted array by
bisection, `seq_spans` those of sequence numbers. Both give sorted, disjoint ranges of positions from 0. A sequence
number that no message has is an error outside SEARCH (RFC 9051 §9, seq-number); an unknown uid never is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import ImapSyntaxError
from app.wire.imap.tokens import MAX_NUMBER, ImapCursor

STAR: Final = MAX_NUMBER + 1  # sorts after every number

_SET = re.compile(rb"(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?(?:,(?:[0-9]{1,10}|\*)(?::(?:[0-9]{1,10}|\*))?)*")


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges of numbers, both ends included, in the client's order; or the saved result of the last search."""

    ranges: tuple[tuple[int, int], ...] = ()
    is_saved: bool = False

    def __str__(self) -> str:
        return "$" if self.is_saved else ",".join(_write_range(low, high) for low, high in self.ranges)

    @property
    def has_star(self) -> bool:
        """Whether `*` is in it."""
        return any(STAR in pair for pair in self.ranges)

    def uid_spans(self, uids: Sequence[int]) -> list[range]:
        """The positions in `uids`, which is sorted, of the uids in this set."""
        if not uids:
            return []
        if len(self.ranges) == 1:
            low, high = _bounds(self.ranges[0], uids[-1])
            start, stop = bisect_left(uids, low), bisect_right(uids, high)
            return [range(start, stop)] if start < stop else []
        pairs = sorted(_bounds(pair, uids[-1]) for pair in self.ranges)
        return _merge((bisect_left(uids, low), bisect_right(uids, high)) for low, high in pairs)

    def seq_spans(self, count: int, *, strict: bool = True) -> list[range]:
        """The positions of these sequence numbers among `count` messages.

        Raises for numbers that no message has, or leaves them out when not `strict`. In an empty mailbox `1:*` and
        `*` are nothing: they are how clients ask for all there is.
        """
        if count == 0 and (not strict or all(STAR in pair for pair in self.ranges)):
            return []
        pairs = sorted(_bounds(pair, count) for pair in self.ranges)
        if strict and pairs and max(high for _, high in pairs) > count:
            raise ImapSyntaxError(f"there is no message with that sequence number, the last one is {count}")
        return _merge((low - 1, min(high, count)) for low, high in pairs)

    def numbers(self, largest: int) -> list[range]:
        """The numbers as sorted, disjoint ranges; `*` is `largest`."""
        return _merge((low, high + 1) for low, high in sorted(_bounds(pair, largest) for pair in self.ranges))

    def contains(self, value: int, largest: int) -> bool:
        """Whether `value` is in the set when `*` means `largest`."""
        return any(low <= value <= high for low, high in (_bounds(pair, largest) for pair in self.ranges))

    def select_uids(self, uids: Sequence[int]) -> list[int]:
        """Those of the sorted `uids` that are in this set."""
        return [uid for span in self.uid_spans(uids) for uid in uids[span.start : span.stop]]


SAVED: Final = SequenceSet(is_saved=True)


def _bounds(pair: tuple[int, int], largest: int) -> tuple[int, int]:
    """A range as (low, high); `5:*` is `3:5` where 3 is the largest (RFC 9051 §9, seq-range)."""
    low, high = pair
    low = largest if low == STAR else low
    high = largest if high == STAR else high
    return (low, high) if low <= high else (high, low)


def _merge(pairs: Iterable[tuple[int, int]]) -> list[range]:
    """Sorted half-open pairs as disjoint ranges, empty ones left out."""
    spans: list[range] = []
    for start, stop in pairs:
        if start >= stop:
            continue
        if spans and start <= spans[-1].stop:
            spans[-1] = range(spans[-1].start, max(stop, spans[-1].stop))
        else:
            spans.append(range(start, stop))
    return spans


def intersect(left: Sequence[range], right: Sequence[range]) -> list[range]:
    """What is in both; sorted and disjoint, as both must be."""
    both: list[range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, stop = max(left[i].start, right[j].start), min(left[i].stop, right[j].stop)
        if start < stop:
            both.append(range(start, stop))
        if left[i].stop < right[j].stop:
            i += 1
        else:
            j += 1
    return both


def spans(numbers: Iterable[int]) -> list[range]:
    """Sorted numbers as disjoint ranges."""
    return [range(low, high + 1) for low, high in runs(numbers)]


def gaps(numbers: Iterable[int], last: int) -> list[range]:
    """The numbers from 1 to `last` that are not among the sorted `numbers`."""
    found: list[range] = []
    start = 1
    for low, high in runs(numbers):
        if start < low:
            found.append(range(start, low))
        start = high + 1
    return [*found, range(start, last + 1)] if start <= last else found


def count_in(spans: Iterable[range]) -> int:
    """How many positions there are in `spans`."""
    return sum(map(len, spans))


def parse_set(cursor: ImapCursor) -> SequenceSet:
    """A sequence-set, or `$`."""
    if cursor.take(b"$"):
        return SAVED
    start = cursor.pos
    raw = cursor.expect(_SET, "message numbers such as 1:5,8,10:*")
    try:
        if raw.isdigit():  # by far the most frequent is one number
            value = _number(raw)
            return SequenceSet(((value, value),))
        return SequenceSet(tuple([_parse_range(piece) for piece in raw.split(b",")]))
    except ValueError:
        cursor.pos = start
        cursor.fail(f"message numbers from 1 to {MAX_NUMBER}")


def parse_uid_set(cursor: ImapCursor) -> SequenceSet:
    """A set that may hold neither `*` nor `$`, as known uids have it (RFC 7162 §7)."""
    start = cursor.pos
    uids = parse_set(cursor)
    if uids.is_saved or uids.has_star:
        cursor.pos = start
        cursor.fail("uids without * and $")
    return uids


def _parse_range(raw: bytes) -> tuple[int, int]:
    low, colon, high = raw.partition(b":")
    first = _number(low)
    return (first, _number(high)) if colon else (first, first)


def _number(raw: bytes) -> int:
    if raw == b"*":
        return STAR
    value = int(raw)
    if not 0 < value <= MAX_NUMBER:
        raise ValueError
    return value


def _write_range(low: int, high: int) -> str:
    first = "*" if low == STAR else str(low)
    return first if low == high else f"{first}:{'*' if high == STAR else high}"


def compact(numbers: Iterable[int]) -> str:
    """Sorted numbers as the text of a set: 1, 2, 3, 5 is `1:3,5`. Nothing is the empty text."""
    return ",".join(_write_range(low, high) for low, high in runs(numbers))


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted numbers as ranges, both ends included."""
    found: list[tuple[int, int]] = []
    low = high = -1
    for value in numbers:
        if value == high + 1 and high >= 0:
            high = value
            continue
        if high >= 0:
            found.append((low, high))
        low = high = value
    if high >= 0:
        found.append((low, high))
    return found
