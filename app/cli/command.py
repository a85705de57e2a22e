"""What a command is: its words, flags, help, and the function that runs it; and the call it gets."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from app.errors import MailError

DEFAULT_CONFIG = Path("config") / "mox.conf"


def program() -> str:
    """How this program is started, for lines that people copy; "mox" when it is not run from its one file."""
    return f"python3 {shlex.quote(sys.argv[0])}" if sys.argv[0].endswith(".pyz") else "mox"


class UsageError(MailError):
    """A command was used wrongly; its help is shown."""


class Value(Enum):
    """What follows a flag."""

    NOTHING = "nothing"
    TEXT = "text"
    NUMBER = "number"
    TRUTH = "true or false"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a command; `name` has no dash."""

    name: str
    help: str
    value: Value = Value.TEXT
    placeholder: str = "value"

    def __str__(self) -> str:
        return f"-{self.name}" if self.value is Value.NOTHING else f"-{self.name} {self.placeholder}"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command as it was typed."""

    command: Command
    flags: Mapping[str, str]
    arguments: tuple[str, ...]
    config: str = ""  # of -config

    def text(self, name: str, default: str = "") -> str:
        """The value of a flag."""
        return self.flags.get(name, default)

    def given(self, name: str) -> bool:
        """Whether a flag was given; for those without a value, unless it was given as false."""
        return self.flags.get(name, "false") != "false"

    @property
    def config_path(self) -> Path:
        """mox.conf: -config, else $MOXCONF, else config/mox.conf below the working directory."""
        return Path(self.config or os.environ.get("MOXCONF") or DEFAULT_CONFIG)

    def expect(self, low: int, high: int | None = None) -> tuple[str, ...]:
        """The arguments, when there are as many as there should be."""
        if not low <= len(self.arguments) <= (low if high is None else high):
            raise UsageError("wrong number of arguments")
        return self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command."""

    words: str
    arguments: str = ""
    help: str  # first line: what it does, in a few words; at the end an example
    run: Callable[[Invocation], int]
    flags: tuple[Flag, ...] = field(default=())
    is_listed: bool = True
    takes_flags: bool = False  # all that follows the words goes to `run` as it was typed

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.help.strip().partition("\n")[0]

    @property
    def usage(self) -> str:
        """How it is typed."""
        flags = [f"[{flag}]" for flag in self.flags]
        return " ".join(part for part in ("mox", self.words, *flags, self.arguments) if part)
