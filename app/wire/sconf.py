"""The sconf text format of mox.conf and domains.conf: lines to a tree, and the tree back to the same bytes.

The tree is one `Line` for each line that says something, with the comments and empty lines above it, and its block
below it. It does not know whether a block is a struct, a map or a list: that follows from the setting's type, so
`split_entry` and `split_element` are for the layer that knows types. An edit changes, inserts or removes Lines; all
else is written back byte for byte.

Format: UTF-8; LF ends a line (a CR is part of the value); one TAB per level; a line that starts with `#` after its
indent is a comment; empty lines are skipped, lines of only blanks are faults; `Name: value`, `Name:` with a block,
`- value`, or `-` with a block. No quoting, no escapes. Durations are Go's ("72h0m0s").

Faults do not stop the reading: `Document.faults` has them all with their line numbers. The value functions
(`split_entry`, `parse_duration`, ...) raise SconfSyntaxError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.errors import SconfSyntaxError

MAX_DEPTH = 32  # mox's deepest setting is at level 8
MAX_SIZE = 64 << 20  # bytes; no operator writes as much, and a wrong path may lead to a device or a database

_INDENT = re.compile(r"\t*")
_BLANK = re.compile(r"[ \t]+\Z")
_COMMENT = re.compile(r"[ \t]*#")


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that breaks the format."""

    line: int
    text: str


@dataclass(slots=True)
class Line:
    """One line with its block; `number` is 0 for a line that was not read from a file."""

    text: str
    number: int = 0
    before: list[str] = field(default_factory=list)  # comments and empty lines above, with their own indent
    children: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """A whole file."""

    lines: list[Line] = field(default_factory=list)
    after: list[str] = field(default_factory=list)  # comments and empty lines at the end
    final_newline: bool = True
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """`Name: value` of a struct or map; `value` is empty before a block."""

    name: str
    value: str


def parse(data: bytes) -> Document:
    """The tree of a file; never raises, look at `faults`."""
    document = Document()
    if len(data) > MAX_SIZE:
        document.faults.append(Fault(1, f"the file is larger than {MAX_SIZE >> 20} MiB"))
        return document
    _Builder(document).read(_decode(data, document))
    return document


def _decode(data: bytes, document: Document) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        number = data.count(b"\n", 0, err.start) + 1
        document.faults.append(Fault(number, "not UTF-8 text; save the file as UTF-8"))
        text = data.decode("utf-8", "replace")
    rows = text.split("\n")
    document.final_newline = rows[-1] == ""
    if document.final_newline:
        rows.pop()
    return rows


class _Builder:
    """Hangs each line under the line it belongs to."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.blocks = [document.lines]  # the open block of each level
        self.before: list[str] = []

    def read(self, rows: list[str]) -> None:
        for number, row in enumerate(rows, 1):
            if row == "" or _COMMENT.match(row):
                self.before.append(row)
            elif _BLANK.match(row):
                self._fault(number, "a line of only spaces or tabs; make it empty")
                self.before.append(row)
            else:
                self._add(number, row)
        self.document.after = self.before

    def _fault(self, number: int, text: str) -> None:
        self.document.faults.append(Fault(number, text))

    def _add(self, number: int, row: str) -> None:
        indent = _INDENT.match(row)
        level = len(indent[0]) if indent else 0
        text = row[level:]
        if text.startswith(" "):
            self._fault(number, "indent with tabs, one for each level, not with spaces")
            text = text.lstrip(" ")
        if level >= min(len(self.blocks), MAX_DEPTH):
            self._fault(number, "too much indent; a block is one tab deeper than the line above it")
            level = min(len(self.blocks), MAX_DEPTH) - 1
        line = Line(text, number, self.before)
        self.before = []
        self.blocks[level].append(line)
        self.blocks[level + 1 :] = [line.children]


def write(document: Document) -> bytes:
    """The bytes of the file; those that were read, where nothing was edited."""
    rows = [*_rows(document.lines, 0), *document.after]
    text = "\n".join(rows)
    return (text + "\n" if document.final_newline and rows else text).encode()


def _rows(lines: list[Line], level: int) -> Iterator[str]:
    indent = "\t" * level
    for line in lines:
        yield from line.before
        yield indent + line.text
        yield from _rows(line.children, level + 1)


def split_entry(text: str) -> Entry:
    """Name and value of a struct field or map entry."""
    colon = text.find(":")
    if colon < 0:
        raise SconfSyntaxError("no colon in this line; write 'Name: value', or 'Name:' above a block")
    if colon == 0:
        raise SconfSyntaxError("no name before the colon")
    return Entry(text[:colon], _after_mark(text[colon + 1 :], "colon"))


def split_element(text: str) -> str:
    """The value of a list element, empty before a block."""
    if not text.startswith("-"):
        raise SconfSyntaxError("this is a list; start each element with '- '")
    return _after_mark(text[1:], "dash")


def _after_mark(rest: str, mark: str) -> str:
    if rest and not rest.startswith(" "):
        raise SconfSyntaxError(f"a space is needed after the {mark}")
    return rest[1:]


def remove(document: Document, lines: list[Line], at: int) -> None:
    """Take a line with its block out. Comments directly above it at its own indent are about it and go too; all others
    stay, above whatever comes next.
    """
    line = lines[at]
    kept = _unrelated(line, _level_of(document, lines))
    follower = _next_line(document, line)
    del lines[at]
    if follower is None:
        document.after[:0] = kept
    else:
        follower.before[:0] = kept


def _unrelated(line: Line, level: int) -> list[str]:
    own = "\t" * level + "#"
    at = len(line.before)
    while at and line.before[at - 1].startswith(own):
        at -= 1
    return line.before[:at]


def _level_of(document: Document, lines: list[Line]) -> int:
    levels = [(0, document.lines)]
    while levels:
        level, block = levels.pop()
        if block is lines:
            return level
        levels.extend((level + 1, line.children) for line in block)
    raise ValueError("the block is not in the document")


def _next_line(document: Document, wanted: Line) -> Line | None:
    """The line after `wanted` and its block, in the order of the file."""
    passed = False
    skip: set[int] = set()
    for line in _walk(document.lines):
        if passed and id(line) not in skip:
            return line
        if line is wanted:
            passed = True
            skip = {id(below) for below in _walk(line.children)}
    return None


def _walk(lines: list[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        yield from _walk(line.children)


# Go's time.ParseDuration
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"([-+]?)((?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_MAX_DURATION_TEXT = 64


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as "1h30m" or "500ms"."""
    if text in {"0", "+0", "-0"}:
        return 0.0
    match = _DURATION.fullmatch(text) if len(text) <= _MAX_DURATION_TEXT else None
    if not match:
        raise SconfSyntaxError(f"{text!r} is not a duration; write one such as 30s, 15m, 72h or 1h30m")
    nanoseconds = 0
    for whole, fraction, unit in _DURATION_PART.findall(match[2]):
        scale = _UNITS[unit]
        nanoseconds += int(whole or 0) * scale + int(fraction or 0) * scale // 10 ** len(fraction)
    if nanoseconds >= 2**63:
        raise SconfSyntaxError(f"{text!r} is too long a duration")
    return (-nanoseconds if match[1] == "-" else nanoseconds) / 1e9


def write_duration(seconds: float) -> str:
    """Go's own form of a duration: "24h0m0s", "1.5s", "500ms", "0s"."""
    nanoseconds = round(seconds * 1e9)
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest == 0:
        return "0s"
    if rest < 10**9:
        unit = "ns" if rest < 1000 else "µs" if rest < 10**6 else "ms"
        return sign + _decimal(rest, _UNITS[unit]) + unit
    minutes, rest = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{text}{_decimal(rest, 10**9)}s"


def _decimal(value: int, scale: int) -> str:
    whole, fraction = divmod(value, scale)
    digits = str(fraction).zfill(len(str(scale)) - 1).rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def parse_integer(text: str) -> int:
    """A base-10 integer of 64 bits."""
    value = int(text) if _INTEGER.fullmatch(text) else 2**63
    if not -(2**63) <= value < 2**63:
        raise SconfSyntaxError(f"{text!r} is not a whole number")
    return value


def parse_float(text: str) -> float:
    """A decimal number."""
    value = float(text) if len(text) <= 64 and _FLOAT.fullmatch(text) else math.inf
    if math.isinf(value):
        raise SconfSyntaxError(f"{text!r} is not a decimal number")
    return value


def write_float(value: float) -> str:
    """Six decimals as mox writes them; more only where six would lose something."""
    text = f"{value:.6f}"
    return text if float(text) == value else repr(value)


def parse_bool(text: str) -> bool:
    """`true` or `false`."""
    if text not in {"true", "false"}:
        raise SconfSyntaxError(f"{text!r} must be true or false")
    return text == "true"
