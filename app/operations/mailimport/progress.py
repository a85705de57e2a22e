"""How an import is coming along, for whoever watches: a page, a command, a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from app.operations.mailimport.incoming import Taken
from app.store.account import archives

MAX_PROBLEMS: Final = 200  # that are kept; all are counted


class State(Enum):
    """What an import is about."""

    CONNECTING = "connecting"
    TAKING = "taking"
    WAITING = "waiting"  # to try once more
    DONE = "done"
    FAILED = "failed"
    FULL = archives.FULL
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True)
class Progress:
    """Changes while the import goes on."""

    state: State = State.TAKING
    taken: int = 0
    taken_bytes: int = 0
    present: int = 0  # were here already
    words: str = ""  # why it waits or ended
    may_pass: bool = True  # whether the same may go on later, when it is not done
    problem_count: int = 0
    problems: dict[str, None] = field(default_factory=dict)  # in order, each once

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.state in (State.DONE, State.FAILED, State.FULL, State.CANCELLED)

    def count(self, taken: Taken) -> None:
        """A batch more."""
        self.taken += taken.added
        self.taken_bytes += taken.added_bytes
        self.present += taken.present
        for problem in taken.problems:
            self.note_problem(problem)

    def note_problem(self, text: str) -> None:
        """List something that could not be taken; the import goes on."""
        if text in self.problems:
            return
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems[text] = None

    def summary(self) -> str:
        """What has come so far, as a sentence without its end."""
        count = "1 message" if self.taken == 1 else f"{self.taken} messages"
        known = f", {self.present} were here already" if self.present else ""
        problems = f", {self.problem_count} problems" if self.problem_count > 1 else ", 1 problem"
        return f"{count} taken{known}{problems if self.problem_count else ''}"
