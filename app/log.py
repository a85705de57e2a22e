"""key=value log lines, a level per package, and protocol traces that hide secrets.

    log = logger("smtpserver")
    log.info("message accepted", cid=cid, size=4711)

gives `l=info m="message accepted" pkg=smtpserver cid=19f2a size=4711` on standard error, or the same as a JSON object.
Levels, least first: tracedata, traceauth, trace, debug, info, warn, error. A package without a level of its own has
the default one. What is not ASCII is followed by a slash and a form that is: letters that look alike are told apart.

Protocol lines are logged with `trace`. Its `secret` argument names what the line carries: text of an authentication
exchange is shown only at traceauth, message data only at tracedata; otherwise "***" and "..." stand in their place.
No caller logs a password, subject or body by any other way.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from enum import IntEnum

from app.errors import MailError


class Level(IntEnum):
    """Severity; a line is written when its level is at least that of its package."""

    TRACEDATA = 0
    TRACEAUTH = 1
    TRACE = 2
    DEBUG = 3
    INFO = 4
    WARN = 5
    ERROR = 6


class UnknownLevel(MailError):
    """A word that names no level."""


def parse_level(word: str) -> Level:
    """The level of a word such as "info"."""
    try:
        return Level[word.upper()]
    except KeyError:
        names = " ".join(level.name.lower() for level in reversed(Level))
        raise UnknownLevel(f"unknown log level {word!r}, must be one of: {names}") from None


def _write_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


class _Settings:
    """Levels and destination, shared by all loggers of the process."""

    def __init__(self) -> None:
        self.default = Level.INFO
        self.packages: dict[str, Level] = {}
        self.is_json = False
        self.write: Callable[[str], None] = _write_stderr
        self.counts = {Level.INFO: 0, Level.WARN: 0, Level.ERROR: 0}


SETTINGS = _Settings()


def set_levels(default: Level, packages: dict[str, Level] | None = None) -> None:
    """Replace the default level and the levels of single packages."""
    SETTINGS.default = default
    SETTINGS.packages = dict(packages or {})


_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # ASCII without blanks and what has a meaning in a line


def _text(value: object) -> str:
    """A value as text, in ASCII too where it has other characters."""
    if (form := getattr(value, "log_form", None)) is not None:
        return str(form())
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text if text.isascii() else f"{text}/{text.encode('ascii', 'backslashreplace').decode()}"


def _quote(text: str) -> str:
    """Escaped so that no outside text can forge a field or a line."""
    if _PLAIN.fullmatch(text):
        return text
    if text and text.isprintable() and not any(c in ' "=\\' for c in text):
        return text
    escaped = "".join(_escape(c) for c in text)
    return f'"{escaped}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return char.encode("unicode_escape").decode()


def _json(fields: dict[str, object]) -> str:
    """A line as JSON in ASCII; whole numbers and truths stay what they are, the rest is text as in the other form."""
    kept = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({name: one if isinstance(one, int) else _text(one) for name, one in kept.items()})


class Logger:
    """Writes the lines of one package."""

    __slots__ = ("package",)

    def __init__(self, package: str) -> None:
        self.package = package

    def enabled(self, level: Level) -> bool:
        """Whether a line of `level` would be written; for callers whose line is costly to make."""
        return level >= SETTINGS.packages.get(self.package, SETTINGS.default)

    def log(self, level: Level, message: str, **fields: object) -> None:
        """Write one line; `cid` is shown in hexadecimal, None values are left out."""
        if level in SETTINGS.counts:
            SETTINGS.counts[level] += 1
        if not self.enabled(level):
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if "cid" in fields and isinstance(cid := fields["cid"], int):
            fields["cid"] = f"{cid:x}"
        if SETTINGS.is_json:
            SETTINGS.write(_json({"time": stamp, "l": level.name.lower(), "m": message, "pkg": self.package, **fields}))
            return
        parts = [stamp, f"l={level.name.lower()}", f"m={_quote(message)}", f"pkg={self.package}"]
        parts += [f"{name}={_quote(_text(value))}" for name, value in fields.items() if value is not None]
        SETTINGS.write(" ".join(parts))

    def debug(self, message: str, **fields: object) -> None:
        """For following what the program does."""
        self.log(Level.DEBUG, message, **fields)

    def info(self, message: str, **fields: object) -> None:
        """What happened, in normal running."""
        self.log(Level.INFO, message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        """Something an operator should look at some day."""
        self.log(Level.WARN, message, **fields)

    def error(self, message: str, **fields: object) -> None:
        """Something of ours does not work. A peer's fault is never an error."""
        self.log(Level.ERROR, message, **fields)

    def trace(self, prefix: str, data: bytes, cid: int, secret: Level = Level.TRACE) -> None:
        """Log protocol bytes; `secret` is TRACEAUTH or TRACEDATA when they must be hidden at the trace level."""
        if not self.enabled(Level.TRACE):
            return
        level = secret
        if secret < Level.TRACE and not self.enabled(secret):
            data = b"***" if secret == Level.TRACEAUTH else b"..."
            level = Level.TRACE
        self.log(level, prefix + data.decode("utf-8", "backslashreplace").rstrip("\r\n"), cid=cid)


def logger(package: str) -> Logger:
    """The logger of a package; packages keep the names of `PackageLogLevels` in mox.conf."""
    return Logger(package)
