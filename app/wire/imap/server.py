"""The server's side of an IMAP connection as a machine without I/O: bytes in, events out (RFC 9051 §2.2.1, RFC 7888).

    machine.receive_data(data)
    while (event := machine.next_event()) is not None:
        ...                                # the next command is read only now, so what this one changed holds for it

A command is its lines joined with its literals, `{n}` after our leave, `{n+}` at once. Messages of APPEND and REPLACE
are handed on in pieces and never held. After CommandReceived of IDLE or AUTHENTICATE, `expect_line` asks for the next
line as it is. The caller keeps `is_signed_in`, `utf8` (RFC 9051 §5.1) and `append_limit` as the session has them.

Bounds: a line, a literal, a command and the number of its pieces (`Limits`); less before login, and no messages. What
is larger is refused before it is read where the client waits, and ends the connection where it does not. So does a
bare CR or LF, a NUL, and anything behind STARTTLS, which may come from an attacker before the handshake (RFC 9051
§6.2.1).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.errors import ImapSyntaxError, WireError
from app.wire.imap.command import CommandRule
from app.wire.imap.events import (
    AppendData,
    AppendEnd,
    AppendStart,
    BadCommand,
    CommandReceived,
    Event,
    NeedContinuation,
    RawLine,
    TooBig,
)
from app.wire.imap.parse.append import AppendCommand, ReplaceCommand, parse_more
from app.wire.imap.parse.session import StarttlsCommand
from app.wire.imap.response import continuation
from app.wire.imap.table import Named, find_tag, parse_arguments, read_name
from app.wire.imap.tokens import ImapCursor, IncompleteLiteral
from app.wire.linebuffer import LineBuffer

_ANNOUNCED = re.compile(rb"\{([0-9]{1,10})(\+?)\}\Z")
_GO_ON: Final = NeedContinuation(continuation())


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is read at most, in bytes."""

    line: int = 64 * 1024  # RFC 7162 §4 asks for 8192; some clients name 10,000 messages one by one
    literal: int = 100 * 1024
    command: int = 1024 * 1024  # lines and literals together
    command_before_login: int = 64 * 1024
    pieces: int = 1000  # literals of a command, or messages of an APPEND


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class _Literal:
    """An announced literal."""

    size: int
    is_synchronizing: bool


def _announced(line: bytes) -> _Literal | None:
    """The literal that a line ends with."""
    if not line.endswith(b"}") or not (found := _ANNOUNCED.search(line)):
        return None
    return _Literal(int(found[1]), not found[2])


class ImapServer:
    """Frames what one client sends."""

    __slots__ = (
        "_append",
        "_buffer",
        "_count",
        "_events",
        "_left",
        "_limits",
        "_named",
        "_pieces",
        "_read",
        "_size",
        "append_limit",
        "is_signed_in",
        "utf8",
    )

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.is_signed_in = False
        self.utf8 = False
        self.append_limit = 0  # bytes of one message
        self._limits = limits
        self._buffer = LineBuffer()
        self._events: deque[Event] = deque()
        self._pieces: list[bytes] = []  # of the command so far: lines with CRLF, literals
        self._size = 0  # of them and of what was announced
        self._count = 0  # of literals in it
        self._named: Named | None = None  # once a literal was announced
        self._append: AppendStart | None = None
        self._left = 0  # bytes of the literal or message that are still to come
        self._read: Callable[[], bool] = self._read_line

    @property
    def has_whole_lines(self) -> bool:
        """Whether so much waits to be read that there is an event in it for sure."""
        return len(self._buffer) > self._limits.line + 2

    @property
    def held_bytes(self) -> int:
        """How much is kept of what was received; bounded once `next_event` has returned None."""
        return len(self._buffer) + self._size

    @property
    def is_between_commands(self) -> bool:
        """Whether nothing of a command has been received."""
        return not (self._buffer or self._pieces or self._events or self._append) and self._read == self._read_line

    def receive_data(self, data: bytes) -> None:
        """Take what the client sent; after a fatal error it is thrown away."""
        if self._read != self._read_nothing:
            self._buffer.feed(data)

    def next_event(self) -> Event | None:
        """What came in, one thing after the other; None when more bytes are needed."""
        while not self._events:
            try:
                if not self._read():
                    return None
            except WireError as error:  # of the line buffer: where the next line begins is lost
                self._end_all(ImapSyntaxError(error.message))
        return self._events.popleft()

    def expect_line(self) -> None:
        """The next line is none of a command: RawLine brings it."""
        self._read = self._read_raw

    def refuse_append(self) -> None:
        """Decline the message of the last AppendStart; the caller answers the command.

        What the client sends of it unasked is read and forgotten, and no event comes for the rest of the command.
        """
        if self._append is not None:
            message = self._append.message
            self._begin_command()
            self._forget(_Literal(message.size_bytes, message.is_synchronizing))

    def reset_after_starttls(self) -> None:
        """Forget what came before TLS: nothing of it was protected (RFC 9051 §6.2.1)."""
        self._buffer.clear()
        self._events.clear()
        self._begin_command()

    # One method for each place in the stream. Each returns False when it needs more bytes.

    def _read_line(self) -> bool:
        line = self._buffer.line(self._limits.line)
        if line is None:
            return False
        if (literal := _announced(line)) is None:
            self._finish(b"".join((*self._pieces, line)) if self._pieces else line)
        else:
            self._announce(line, literal)
        return True

    def _read_literal(self) -> bool:
        if not self._left:
            self._read = self._read_line
            return True
        data = self._buffer.take(self._left)
        if data:
            self._pieces.append(data)
            self._left -= len(data)
        return bool(data)

    def _begin_message(self) -> bool:
        if self._append is not None and self._append.message.is_synchronizing:
            self._events.append(_GO_ON)
        self._read = self._read_message
        return True

    def _read_message(self) -> bool:
        if not self._left:
            self._events.append(AppendEnd())
            self._read = self._read_tail
            return True
        data = self._buffer.take(self._left)
        if data:
            self._events.append(AppendData(data))
            self._left -= len(data)
        return bool(data)

    def _read_tail(self) -> bool:
        line = self._buffer.line(self._limits.line)
        start = self._append
        if line is None or start is None:
            return False
        literal = _announced(line)
        try:
            self._continue_append(start, line, literal)
        except ImapSyntaxError as error:
            self._reject(error, literal)
        return True

    def _read_raw(self) -> bool:
        line = self._buffer.line(self._limits.line)
        if line is None:
            return False
        self._events.append(RawLine(line))
        self._read = self._read_line
        return True

    def _skip_literal(self) -> bool:
        if not self._left:
            self._read = self._skip_line
            return True
        skipped = len(self._buffer.take(self._left))
        self._left -= skipped
        return bool(skipped)

    def _skip_line(self) -> bool:
        line = self._buffer.line(self._limits.line)
        if line is not None:
            self._forget(_announced(line))
        return line is not None

    def _read_nothing(self) -> bool:
        return False

    # Steps between those places.

    def _begin_command(self) -> None:
        self._pieces = []
        self._size = 0
        self._count = 0
        self._named = None
        self._append = None
        self._left = 0
        self._read = self._read_line

    def _finish(self, raw: bytes) -> None:
        """All of a command is there."""
        named = None
        cursor = ImapCursor(raw, utf8=self.utf8)
        if self._pieces:
            self._begin_command()
        try:
            named = read_name(cursor)
            command = parse_arguments(cursor, named)
        except ImapSyntaxError as error:
            self._events.append(BadCommand(find_tag(raw), error, rule=named.rule if named else None))
            return
        if isinstance(command, StarttlsCommand) and len(self._buffer):
            self._end_all(ImapSyntaxError("nothing may follow STARTTLS before TLS begins"))
        elif named.rule is not None:
            self._events.append(CommandReceived(command, named.rule))

    def _announce(self, line: bytes, literal: _Literal) -> None:
        """A literal follows: a message to hand on, or a piece of the command to keep."""
        self._pieces.append(line + b"\r\n")
        self._size += len(line) + 2
        try:
            if not self._is_message(literal):
                self._keep(literal)
        except ImapSyntaxError as error:
            self._reject(error, literal)

    def _is_message(self, literal: _Literal) -> bool:
        """Whether the literal is a message, which is then announced; raises for what cannot become a command."""
        if self._named is None:
            self._named = read_name(ImapCursor(self._pieces[0]))
        rule = self._named.known()
        if not rule.is_streamed:
            return False
        if not self.is_signed_in:
            raise ImapSyntaxError("sign in before you send messages")
        cursor = ImapCursor(b"".join(self._pieces), utf8=self.utf8)
        read_name(cursor)
        try:
            command = rule.parse(cursor, self._named.tag)
        except IncompleteLiteral:
            return False  # the name of the mailbox
        if isinstance(command, AppendCommand | ReplaceCommand):
            self._start_message(AppendStart(command, rule))
        return True

    def _start_message(self, start: AppendStart) -> None:
        size = start.message.size_bytes
        if start.message.sent_bytes > self.append_limit:
            raise TooBig(f"a message can have {self.append_limit} bytes at most")
        self._pieces = []
        self._size = 0
        self._left = size
        self._append = start
        self._events.append(start)
        self._read = self._begin_message

    def _continue_append(self, start: AppendStart, line: bytes, literal: _Literal | None) -> None:
        """Read what follows a message or a text of one: the end of the command, or more."""
        cursor = ImapCursor(line if literal is None else line + b"\r\n", utf8=self.utf8)
        messages = parse_more(cursor, start.command.messages)
        if isinstance(start.command, ReplaceCommand) and len(messages) > 1:
            raise ImapSyntaxError("expected the end of the command, as REPLACE takes one message")
        if len(messages) > self._limits.pieces:
            raise TooBig(f"APPEND takes {self._limits.pieces} messages at most")
        command = replace(start.command, messages=messages)
        if literal is None:
            self._begin_command()
            self._events.append(CommandReceived(command, start.rule))
        else:
            self._start_message(AppendStart(command, start.rule))

    def _keep(self, literal: _Literal) -> None:
        """Make room for a literal of the command."""
        limits = self._limits
        largest = limits.command if self.is_signed_in else limits.command_before_login
        if literal.size > limits.literal:
            raise TooBig(f"a literal can have {limits.literal} bytes at most")
        if self._size + literal.size > largest:
            raise TooBig(f"a command can have {largest} bytes at most")
        if self._count >= limits.pieces:
            raise TooBig(f"a command can have {limits.pieces} literals at most")
        self._count += 1
        self._size += literal.size
        self._left = literal.size
        self._read = self._read_literal
        if literal.is_synchronizing:
            self._events.append(_GO_ON)

    def _reject(self, error: ImapSyntaxError, literal: _Literal | None) -> None:
        """End the command with an error; a literal that comes unasked is read and forgotten, or too large for that."""
        tag, rule = self._whose()
        if isinstance(error, TooBig) and literal is not None and not literal.is_synchronizing:
            self._end_all(error)
            return
        self._events.append(BadCommand(tag, error, rule=rule))
        self._begin_command()
        self._forget(literal)

    def _whose(self) -> tuple[str | None, CommandRule | None]:
        """Tag and rule of the command that is being read."""
        if self._append is not None:
            return self._append.command.tag, self._append.rule
        if self._named is not None:
            return self._named.tag, self._named.rule
        return (find_tag(self._pieces[0]) if self._pieces else None), None

    def _forget(self, literal: _Literal | None) -> None:
        """Skip the rest of a command that has been answered."""
        if literal is None or literal.is_synchronizing:
            self._begin_command()  # the client, which waits, learns from the answer that there is nothing to send
        elif literal.size > max(self._limits.literal, self.append_limit if self.is_signed_in else 0):
            self._end_all(TooBig("what follows is too large to be skipped"))
        else:
            self._left = literal.size
            self._read = self._skip_literal

    def _end_all(self, error: ImapSyntaxError) -> None:
        """End the connection: nothing more is read."""
        tag, rule = self._whose()
        self._buffer.clear()
        self._begin_command()
        self._events.append(BadCommand(tag, error, is_fatal=True, rule=rule))
        self._read = self._read_nothing
