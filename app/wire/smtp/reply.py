"""SMTP replies: three digits, an enhanced status code, and text (RFC 5321 §4.2, RFC 2034, RFC 3463).

`reply(550, "5.1.1", "no such user")` makes one, `Reply.encode` writes it, `ReplyParser` reads what a server sends, in
pieces of any size. Texts are made safe when written: control characters become spaces, and a long text is wrapped, so
nothing a peer said can forge a second reply. Reading is bounded in the length of a line and in the number of lines and
raises SmtpSyntaxError; after that the parser must not be fed again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import SmtpSyntaxError

MAX_TEXT = 480  # RFC 5321 §4.5.3.1.5: 512 bytes with code, enhanced code and CRLF
MAX_LINE = 4096  # what we read; eight times what the RFC allows
MAX_LINES = 200

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |\Z)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `enhanced` is "" where there is none; `lines` never is empty and holds text without codes."""

    code: int
    enhanced: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one."""
        return " ".join(self.lines)

    @property
    def is_positive(self) -> bool:
        """Whether the command was done, or may go on (2xx, 3xx)."""
        return self.code < 400

    @property
    def is_permanent(self) -> bool:
        """Whether the same command would fail again (5xx)."""
        return self.code >= 500

    def encode(self, *, utf8: bool = False) -> bytes:
        """The bytes for the wire; characters outside ASCII only when the transaction has SMTPUTF8 (RFC 6531 §3.7.4)."""
        texts = [piece for line in self.lines for piece in _wrap(_UNSAFE.sub(" ", line))]
        prefix = f"{self.enhanced} " if self.enhanced else ""
        wire = [f"{self.code}-{prefix}{text}\r\n" for text in texts[:-1]]
        wire.append(f"{self.code} {prefix}{texts[-1]}\r\n")
        return "".join(wire).encode("utf-8" if utf8 else "ascii", "replace")

    def __str__(self) -> str:
        prefix = f"{self.code} {self.enhanced}".rstrip()
        return f"{prefix} {self.text}".rstrip()


def reply(code: int, enhanced: str, text: str) -> Reply:
    """A reply whose lines are those of `text`."""
    return Reply(code, enhanced, tuple(text.split("\n")))


def _wrap(text: str) -> list[str]:
    """`text` in pieces that fit a line, cut at spaces where there are any."""
    pieces = []
    while len(text) > MAX_TEXT:
        cut = text.rfind(" ", 1, MAX_TEXT)
        cut = cut if cut > 0 else MAX_TEXT
        pieces.append(text[:cut])
        text = text[cut:].lstrip(" ")
    pieces.append(text)
    return pieces


class ReplyParser:
    """Takes the bytes a server sends and gives complete replies."""

    __slots__ = ("_buffer", "_code", "_enhanced", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._code = b""
        self._enhanced = ""
        self._lines: list[str] = []

    def receive_data(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes."""
        buffer = self._buffer + data
        replies = []
        start = 0
        while (end := buffer.find(b"\n", start, start + MAX_LINE)) >= 0:
            if self._add_line(buffer[start:end].removesuffix(b"\r")):
                replies.append(self._take())
            start = end + 1
        if len(buffer) - start >= MAX_LINE:
            raise SmtpSyntaxError(f"reply line longer than {MAX_LINE} bytes")
        self._buffer = buffer[start:]
        return replies

    @property
    def is_idle(self) -> bool:
        """Whether no part of a further reply has been received."""
        return not self._buffer and not self._lines

    def _add_line(self, line: bytes) -> bool:
        """Keep one line; whether it was the last of its reply."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise SmtpSyntaxError("reply does not start with a three-digit code")
        if self._lines and match[1] != self._code:
            raise SmtpSyntaxError("reply changes its code between lines")
        if len(self._lines) >= MAX_LINES:
            raise SmtpSyntaxError(f"reply of more than {MAX_LINES} lines")
        self._code = match[1]
        text = (match[3] or b"").decode("utf-8", "replace")
        enhanced = _ENHANCED.match(text)
        if enhanced and enhanced[1] == chr(self._code[0]):
            self._enhanced = self._enhanced or enhanced[0]
            text = text[enhanced.end() + 1 :]
        self._lines.append(text)
        return match[2] != b"-"

    def _take(self) -> Reply:
        done = Reply(int(self._code), self._enhanced, tuple(self._lines))
        self._lines = []
        self._enhanced = ""
        return done
