"""What comes out of the framing machine of `server.py`.

`BadCommand` ends a command as `CommandReceived` does; what an APPEND has brought so far is then to be thrown away.
Its error says what to answer: TooBig is NO [TOOBIG], BadCharset is NO [BADCHARSET ...], everything else is BAD. With
`is_fatal` the position in the stream is lost, or the client is not to be trusted: say BYE and close.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import ImapSyntaxError
from app.wire.imap.command import Command, CommandRule
from app.wire.imap.parse.append import AppendCommand, AppendMessage, ReplaceCommand


class TooBig(ImapSyntaxError):
    """A command, or a literal in it, is larger than we read."""


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A whole command. Its rule says in which states it is allowed."""

    command: Command
    rule: CommandRule


@dataclass(frozen=True, slots=True)
class BadCommand:
    """Something that is no command, or one with a mistake in it."""

    tag: str | None  # None when not even that could be read
    error: ImapSyntaxError
    is_fatal: bool = False
    rule: CommandRule | None = None  # None when there is no such command


@dataclass(frozen=True, slots=True)
class NeedContinuation:
    """The client waits for our leave to send a literal: write `data`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AppendStart:
    """A message is announced, the last of `command.messages` so far.

    Call `refuse_append` before the next event to decline it. Otherwise AppendData follows as the bytes come in, then
    AppendEnd, then AppendStart for another message or CommandReceived with the whole command.
    """

    command: AppendCommand | ReplaceCommand
    rule: CommandRule

    @property
    def message(self) -> AppendMessage:
        """The message that is announced."""
        return self.command.messages[-1]


@dataclass(frozen=True, slots=True)
class AppendData:
    """Bytes of the message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AppendEnd:
    """The message is complete."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """The line that `expect_line` asked for, without its CRLF."""

    data: bytes


Event = CommandReceived | BadCommand | NeedContinuation | AppendStart | AppendData | AppendEnd | RawLine
