"""Results of searches that are kept up to date: which messages are in them, and at which place (RFC 5267 §4.3).

A client keeps the same list, and follows what it is told step by step. So each verb returns its steps in an order in
which every position is right when its turn comes: removals from the end to the front, additions from front to end.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from app.store.account.indexes import spans_of, without
from app.store.account.sorting import Rank
from app.wire.imap.respond.search import Placed
from app.wire.imap.sequence import runs

FEW: Final = 16  # that are put into a sorted list one by one


class Results(Protocol):
    """The uids a client was told."""

    def __len__(self) -> int:
        """How many there are."""

    def __contains__(self, uid: int) -> bool:
        """Whether it is among them."""

    def add(self, uids: Sequence[int]) -> list[Placed]:
        """Take in new uids, sorted."""

    def remove(self, uids: Sequence[int]) -> list[Placed]:
        """Let go of uids that are there, sorted."""


class MailboxOrder:
    """Results in the order of the mailbox, whose positions need not be told."""

    __slots__ = ("_uids",)

    def __init__(self, uids: Iterable[int] = ()) -> None:
        self._uids = array("I", uids)

    def __len__(self) -> int:
        return len(self._uids)

    def __contains__(self, uid: object) -> bool:
        place = bisect_left(self._uids, uid)  # type: ignore[call-overload]
        return bool(place < len(self._uids) and self._uids[place] == uid)

    def add(self, uids: Sequence[int]) -> list[Placed]:
        """Take in new uids, sorted."""
        is_behind = not self._uids or uids[0] > self._uids[-1]
        self._uids.extend(uids)
        if not is_behind:
            self._uids = array("I", sorted(self._uids))
        return [Placed(0, uids)]

    def remove(self, uids: Sequence[int]) -> list[Placed]:
        """Let go of uids that are there, sorted."""
        self._uids = without(self._uids, spans_of(self._uids, uids))
        return [Placed(0, uids)]


class SortedOrder:
    """Results in the order of their ranks, which end with the uid and never change."""

    __slots__ = ("_order", "_ranks")

    def __init__(self) -> None:
        self._order: list[Rank] = []
        self._ranks: dict[int, Rank] = {}  # of what is there, and of what may soon be

    def know(self, ranks: Iterable[Rank]) -> None:
        """Remember the ranks of uids that will be added."""
        self._ranks.update((rank[-1], rank) for rank in ranks)

    def fill(self, ranks: Iterable[Rank]) -> None:
        """Begin with these."""
        self._order = sorted(ranks)
        self.know(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, uid: object) -> bool:
        rank = self._ranks.get(uid)  # type: ignore[call-overload]
        if rank is None:
            return False
        place = bisect_left(self._order, rank)
        return place < len(self._order) and bool(self._order[place] == rank)

    def add(self, uids: Sequence[int]) -> list[Placed]:
        """Take in new uids, whose ranks are known."""
        new = sorted(self._ranks[uid] for uid in uids)
        places = [bisect_left(self._order, rank) + before for before, rank in enumerate(new)]
        if len(new) <= FEW:
            for rank in new:
                insort(self._order, rank)
        else:
            self._order = sorted(self._order + new)
        return [Placed(low + 1, self._uids(low, high)) for low, high in runs(places)]

    def remove(self, uids: Sequence[int]) -> list[Placed]:
        """Let go of uids that are there."""
        places = sorted(bisect_left(self._order, self._ranks.pop(uid)) for uid in uids)
        steps = [Placed(low + 1, self._uids(low, high)) for low, high in reversed(runs(places))]
        gone = set(places)
        self._order = [rank for place, rank in enumerate(self._order) if place not in gone]
        return steps

    def _uids(self, low: int, high: int) -> list[int]:
        return [rank[-1] for rank in self._order[low : high + 1]]
