"""Follows all ways of a program through a text at once; the sets of places that were seen are remembered.

A `State` is a dict from a character to the next state, filled when a character is first met there: after that a
character costs one lookup. Whether `$` or `\\b` holds depends on the next character too, so a state is the places
before such conditions are looked at, with what stood in front of them.

The cost of a step that is not remembered is bounded by the size of the program, and so is the cost of a text by its
length times that. When MAX_KEPT is reached all is forgotten, and it starts afresh; states may be used by several
threads, of which one that still holds an old state goes on with it.
"""

from __future__ import annotations

from app.wire.regexp.program import Op, Program
from app.wire.regexp.tree import Assertion

MAX_KEPT = 32_000  # words of memory, of 8 bytes, that one automaton remembers
_STATE_WORDS = 60  # of a state, beside its places
_TRANSITION_WORDS = 12

START, NEWLINE, WORD, END = 1, 2, 4, 8  # what stands in front of a place or behind it
_WORD_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def kind_of(char: str) -> int:
    """What conditions on the places beside it need to know of a character."""
    if char in _WORD_CHARS:
        return WORD
    return NEWLINE if char == "\n" else 0


def holds(assertion: Assertion, before: int, behind: int) -> bool:
    """Whether a condition holds at a place between these."""
    match assertion:
        case Assertion.TEXT_START:
            return bool(before & START)
        case Assertion.TEXT_END:
            return bool(behind & END)
        case Assertion.LINE_START:
            return bool(before & (START | NEWLINE))
        case Assertion.LINE_END:
            return bool(behind & (END | NEWLINE))
        case Assertion.WORD_BOUNDARY:
            return bool(before & WORD) != bool(behind & WORD)
        case Assertion.NO_WORD_BOUNDARY:
            return bool(before & WORD) == bool(behind & WORD)


class State(dict[str, "State"]):
    """A set of places in the program, and the states that characters lead to."""

    __slots__ = ("automaton", "before", "followed", "places")

    def __init__(self, automaton: Automaton, places: tuple[int, ...], before: int) -> None:
        self.automaton = automaton
        self.places = places
        self.before = before
        self.followed: dict[int, tuple[tuple[int, ...], bool]] = {}  # by what stands behind

    def __missing__(self, char: str) -> State:
        return self.automaton.step(self, char)


class Automaton:
    """A program with what is remembered of its runs; `steps` counts visits to instructions, for tests of growth."""

    def __init__(self, program: Program) -> None:
        self.steps = 0
        self._program = program
        self._states: dict[tuple[tuple[int, ...], int], State] = {}
        self._kept = 0
        self._matched = State(self, (), -1)
        self._failed = State(self, (), -2)
        self._restarts = self._begins_anywhere()

    def matches(self, text: str) -> bool:
        """Whether the program matches anywhere in the text."""
        matched, failed = self._matched, self._failed
        state = self._state((0,), START if self._program.has_assertions else 0)
        for char in text:
            state = state[char]
            if state is matched:
                return True
            if state is failed:
                return False
        return self._follow(state, END)[1]

    def step(self, state: State, char: str) -> State:
        """The state that `char` leads to, remembered for the next time."""
        if self._kept >= MAX_KEPT:
            self._states = {}
            self._kept = 0
        self._kept += _TRANSITION_WORDS
        found = state[char] = self._next(state, char)
        return found

    def _next(self, state: State, char: str) -> State:
        kind = kind_of(char) if self._program.has_assertions else 0
        takers, is_match = self._follow(state, kind)
        if is_match:
            return self._matched
        instructions = self._program.instructions
        places = {instructions[place].to for place in takers if instructions[place].test(char)}
        if self._restarts:
            places.add(0)
        if not places:
            return self._failed
        found = self._state(tuple(sorted(places)), kind)
        if not self._program.has_assertions and self._follow(found, 0)[1]:
            return self._matched
        return found

    def _state(self, places: tuple[int, ...], before: int) -> State:
        if (found := self._states.get((places, before))) is None:
            found = self._states[places, before] = State(self, places, before)
            self._kept += _STATE_WORDS + 3 * len(places)
        return found

    def _follow(self, state: State, behind: int) -> tuple[tuple[int, ...], bool]:
        """The places that take a character, and whether one is the end of a match."""
        if (known := state.followed.get(behind)) is not None:
            return known
        waiting = list(state.places)
        seen = set(waiting)
        takers: list[int] = []
        is_match = False
        while waiting:
            place = waiting.pop()
            one = self._program.instructions[place]
            if one.op is Op.TAKE:
                takers.append(place)
            elif one.op is Op.MATCH:
                is_match = True
            elif one.op is not Op.CHECK or holds(one.assertion, state.before, behind):
                fresh = {one.to, one.other} - seen if one.op is Op.FORK else {one.to} - seen
                seen |= fresh
                waiting.extend(fresh)
        self.steps += len(seen)
        self._kept += len(takers)
        found = state.followed[behind] = (tuple(takers), is_match)
        return found

    def _begins_anywhere(self) -> bool:
        """Whether a match may begin after the start of the text."""
        waiting = [0]
        seen = {0}
        while waiting:
            one = self._program.instructions[waiting.pop()]
            if one.op in (Op.TAKE, Op.MATCH):
                return True
            if one.op is not Op.CHECK or one.assertion is not Assertion.TEXT_START:
                fresh = {one.to, one.other if one.op is Op.FORK else one.to} - seen
                seen |= fresh
                waiting.extend(fresh)
        return False
