"""A search key that keeps its meaning while the mailbox changes, for results that are kept up to date (RFC 5267 §4.3).

Sequence numbers and `$` mean the messages that have them when the command is received, so they become uids. As uids
only grow, a range of messages in a view is a range of uids, in which none can appear later; `*` among uids stays open
at its end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from app.wire.imap.parse.searchkey import Age, And, HasFlag, Messages, Modseq, Not, Or, SearchKey
from app.wire.imap.sequence import STAR, SequenceSet, runs
from app.wire.imap.tokens import MAX_NUMBER


@dataclass(frozen=True, slots=True)
class View:
    """What a client knows: the uids by sequence number, and those that `$` stands for."""

    uids: Sequence[int]
    saved: Sequence[int] = ()


def freeze(key: SearchKey, view: View) -> SearchKey:
    """The key with uids in the place of sequence numbers and `$`."""
    if isinstance(key, Messages):
        return Messages(_uids(key, view), uid=True)
    if isinstance(key, And):
        return And(tuple(freeze(inner, view) for inner in key.keys))
    if isinstance(key, Or):
        return Or(freeze(key.left, view), freeze(key.right, view))
    return Not(freeze(key.key, view)) if isinstance(key, Not) else key


def depends_on_flags(key: SearchKey) -> bool:
    """Whether a message may begin or cease to match when its flags change."""
    return _has(key, HasFlag | Modseq)


def depends_on_time(key: SearchKey) -> bool:
    """Whether a message may begin or cease to match as time goes by."""
    return _has(key, Age)


def _has(key: SearchKey, kind: object) -> bool:
    if isinstance(key, And):
        return any(_has(inner, kind) for inner in key.keys)
    if isinstance(key, Or):
        return _has(key.left, kind) or _has(key.right, kind)
    return _has(key.key, kind) if isinstance(key, Not) else isinstance(key, kind)  # type: ignore[arg-type]


def _uids(key: Messages, view: View) -> SequenceSet:
    uids = view.uids
    if key.sequence.is_saved:
        places = runs(bisect_left(uids, uid) for uid in view.saved)
        return SequenceSet(tuple((uids[low], uids[high]) for low, high in places))
    if key.uid:
        last = uids[-1] if uids else 1
        return SequenceSet(tuple(_open_end(pair, last) for pair in key.sequence.ranges))
    spans = key.sequence.seq_spans(len(uids), strict=False)
    return SequenceSet(tuple((uids[span.start], uids[span.stop - 1]) for span in spans))


def _open_end(pair: tuple[int, int], last: int) -> tuple[int, int]:
    """`5:*` goes on with new messages; `*` alone is the last one there is now."""
    if STAR not in pair:
        return pair
    low = min(pair)
    return (last, last) if low == STAR else (min(low, last), MAX_NUMBER)
