"""What a command is: the base of all command values, the states of a connection, and the rule of a command.

Each family of commands has its values and parsers in one module of `parse`; `table.py` lists them all. A value is
frozen and carries the RFC's names; UID FETCH is a FetchCommand with `uid` true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from app.wire.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its tag, which goes back with the last line of the answer."""

    tag: str


class State(Enum):
    """How far a connection is (RFC 9051 §3)."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()


ANY_STATE = frozenset(State)
NOT_AUTHENTICATED = frozenset({State.NOT_AUTHENTICATED})
SIGNED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED = frozenset({State.SELECTED})

Parser = Callable[[ImapCursor, str], Command]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRule:
    """One row of the command table."""

    name: str  # with UID in front for the variant
    parse: Parser  # reads what follows the name
    states: frozenset[State]
    has_seqs: bool = False  # takes or returns sequence numbers
    is_streamed: bool = False  # ends with messages as literals, which are handed on in pieces; see parse/append.py
    may_expunge: bool = True  # EXPUNGE and VANISHED may be sent during it (RFC 9051 §7.5.1)


def bare(value: type[Command]) -> Parser:
    """The parser of a command without arguments."""
    return lambda cursor, tag: value(tag)
