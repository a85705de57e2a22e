"""Turns a tree into instructions: a nondeterministic automaton, with repeats written out (Thompson's construction).

Each instruction is numbered by its place. TAKE consumes a character that `test` accepts and goes on at `to`; the others
consume nothing. FORK prefers `to` over `other`. A tree that would need more than MAX_INSTRUCTIONS is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import WireError
from app.wire.regexp.tree import Assertion, Choice, Group, Literal, Node, OneOf, Repeat, Sequence

MAX_INSTRUCTIONS = 3000


class Op(enum.Enum):
    """What an instruction does."""

    TAKE = enum.auto()
    FORK = enum.auto()
    CHECK = enum.auto()
    SAVE = enum.auto()
    MATCH = enum.auto()


@dataclass(slots=True)
class Instruction:
    """One step; which fields mean something depends on `op`."""

    op: Op
    to: int = 0
    other: int = 0
    test: Callable[[str], bool] = bool
    assertion: Assertion = Assertion.TEXT_START
    slot: int = 0  # 2n where group n starts, 2n + 1 where it ends


@dataclass(frozen=True, slots=True)
class Program:
    """The instructions, of which the first is where it starts."""

    instructions: tuple[Instruction, ...]
    has_assertions: bool
    groups: int  # with the whole match, which is group 0


def compile_program(node: Node, *, with_groups: bool = False) -> Program:
    """The program of a tree; the places of groups are remembered only `with_groups`."""
    writer = _Writer(with_groups)
    writer.write(node)
    writer.add(Instruction(Op.MATCH))
    return Program(
        instructions=tuple(writer.written),
        has_assertions=any(one.op is Op.CHECK for one in writer.written),
        groups=writer.groups + 1,
    )


class _Writer:
    """Writes instructions one after the other; each construct ends where the next one begins."""

    def __init__(self, with_groups: bool) -> None:
        self.written: list[Instruction] = []
        self.with_groups = with_groups
        self.groups = 0

    def add(self, instruction: Instruction) -> Instruction:
        if len(self.written) >= MAX_INSTRUCTIONS:
            raise WireError("the regular expression is too large: use smaller repeats")
        self.written.append(instruction)
        instruction.to = len(self.written)
        return instruction

    def write(self, node: Node) -> None:
        match node:
            case Literal(char):
                self.add(Instruction(Op.TAKE, test=char.__eq__))
            case OneOf(chars):
                self.add(Instruction(Op.TAKE, test=chars.has))
            case Sequence(items):
                for item in items:
                    self.write(item)
            case Choice(branches):
                self._choice(branches)
            case Repeat():
                self._repeat(node)
            case Group():
                self._group(node)
            case Assertion():
                self.add(Instruction(Op.CHECK, assertion=node))

    def _group(self, group: Group) -> None:
        self.groups = max(self.groups, group.number)
        if not self.with_groups:
            self.write(group.item)
            return
        self.add(Instruction(Op.SAVE, slot=2 * group.number))
        self.write(group.item)
        self.add(Instruction(Op.SAVE, slot=2 * group.number + 1))

    def _choice(self, branches: tuple[Node, ...]) -> None:
        ends: list[Instruction] = []
        for branch in branches[:-1]:
            fork = self.add(Instruction(Op.FORK))
            self.write(branch)
            ends.append(self._jump())
            fork.other = len(self.written)
        self.write(branches[-1])
        for end in ends:
            end.to = end.other = len(self.written)

    def _jump(self) -> Instruction:
        """A fork with one way only."""
        return self.add(Instruction(Op.FORK))

    def _repeat(self, repeat: Repeat) -> None:
        for _ in range(repeat.least):
            self.write(repeat.item)
        if repeat.most is None:
            self._loop(repeat)
            return
        forks: list[tuple[Instruction, int]] = []
        for _ in range(repeat.most - repeat.least):
            forks.append((self.add(Instruction(Op.FORK)), len(self.written)))
            self.write(repeat.item)
        for fork, inside in forks:
            _aim(fork, inside, len(self.written), repeat.is_greedy)

    def _loop(self, repeat: Repeat) -> None:
        start = len(self.written)
        fork = self.add(Instruction(Op.FORK))
        self.write(repeat.item)
        back = self._jump()
        back.to = back.other = start
        _aim(fork, start + 1, len(self.written), repeat.is_greedy)


def _aim(fork: Instruction, inside: int, behind: int, is_greedy: bool) -> None:
    fork.to, fork.other = (inside, behind) if is_greedy else (behind, inside)
