"""Finds where a program matches, and where its groups do: all ways at once, each with the places it has been at.

Ways are kept in the order in which Perl would try them, so of several matches that begin first the one is found that
Perl would find. A way that comes to an instruction where a better one has been is given up: the cost is bounded by the
length of the text times the size of the program, with a copy of the places for each group entered or left.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.wire.regexp.automaton import END, START, holds, kind_of
from app.wire.regexp.program import Op, Program

_Slots = tuple[int, ...]  # start and end of each group; -1 where it has not been
_Ways = list[tuple[int, _Slots]]


@dataclass(frozen=True, slots=True)
class Found:
    """A match: start and end of all of it, then of each group; None for a group that took no part."""

    spans: tuple[tuple[int, int] | None, ...]

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.spans[0][0] if self.spans[0] else 0

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[0][1] if self.spans[0] else 0


class Tracer:
    """A program made with groups."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def find(self, text: str, start: int = 0) -> Found | None:
        """The first match in the text that begins at `start` or later."""
        best: _Slots | None = None
        ways: _Ways = []
        seen: set[int] = set()
        for at in range(start, len(text) + 1):
            if best is None:
                self._enter(text, at, (0, (at, *(-1,) * (2 * self._program.groups - 1))), seen, ways)
            ways, seen, matched = self._advance(text, at, ways)
            best = matched or best
            if best is not None and not ways:
                break
        return _found(best) if best is not None else None

    def _advance(self, text: str, at: int, ways: _Ways) -> tuple[_Ways, set[int], _Slots | None]:
        """The ways behind the character at `at`, and the match that ends in front of it; worse ways end with that."""
        char = text[at : at + 1]
        following: _Ways = []
        seen: set[int] = set()
        for place, slots in ways:
            one = self._program.instructions[place]
            if one.op is Op.MATCH:
                return following, seen, (slots[0], at, *slots[2:])
            if char and one.test(char):
                self._enter(text, at + 1, (one.to, slots), seen, following)
        return following, seen, None

    def _enter(self, text: str, at: int, way: tuple[int, _Slots], seen: set[int], ways: _Ways) -> None:
        """Add what can be reached without taking a character, the preferred first."""
        before = kind_of(text[at - 1]) if at else START
        behind = kind_of(text[at]) if at < len(text) else END
        waiting = [way]
        while waiting:
            place, slots = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            one = self._program.instructions[place]
            if one.op in (Op.TAKE, Op.MATCH):
                ways.append((place, slots))
            elif one.op is Op.FORK:
                waiting += [(one.other, slots), (one.to, slots)]
            elif one.op is Op.SAVE:
                waiting.append((one.to, (*slots[: one.slot], at, *slots[one.slot + 1 :])))
            elif holds(one.assertion, before, behind):
                waiting.append((one.to, slots))


def _found(slots: _Slots) -> Found:
    pairs = zip(slots[::2], slots[1::2], strict=True)
    return Found(tuple(pair if pair[0] >= 0 and pair[1] >= 0 else None for pair in pairs))
