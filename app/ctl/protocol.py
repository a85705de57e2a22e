"""Lines of the control protocol, and the arguments of a request.

Both sides use these functions; who reads bytes from where is theirs. What is not as it should be raises ControlError
with words for the operator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from app.errors import MailError

VERSION = 1
SOCKET_NAME = "ctl"
MAX_LINE_BYTES = 1 << 20
MAX_RESULT_BYTES = 64 << 20  # of the line that ends a reply
CHUNK_BYTES = 64 << 10
MAX_NUMBER = 1 << 53  # JSON has no whole numbers beyond, and the database few

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class ControlError(MailError):
    """A request that cannot be carried out, or a reply that says so."""


class Arguments:
    """The arguments of a request, checked as they are taken."""

    def __init__(self, values: Mapping[str, Json]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise ControlError(f"argument {name} must be a text")
        if any("\ud800" <= char <= "\udfff" for char in value):  # what a shell passes on that is no UTF-8
            raise ControlError(f"argument {name} has characters that are not UTF-8")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        found = self.optional_number(name)
        if found is None and default is None:
            raise ControlError(f"argument {name} must be a number")
        return found if found is not None else default or 0.0

    def optional_text(self, name: str) -> str | None:
        """A text, or None when it is not given."""
        return None if self._values.get(name) is None else self.text(name)

    def optional_number(self, name: str) -> float | None:
        """A number, or None when it is not given."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ControlError(f"argument {name} must be a number")
        if not -MAX_NUMBER <= value <= MAX_NUMBER:  # NaN is not within either
            raise ControlError(f"argument {name} is too large")
        return float(value)

    def optional_flag(self, name: str) -> bool | None:
        """True, False, or None when it is not given."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise ControlError(f"argument {name} must be true or false")
        return value

    def flag(self, name: str) -> bool:
        """True or False; False when it is not given."""
        return bool(self.optional_flag(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Texts; none when it is not given."""
        value = self._values.get(name) or []
        if not isinstance(value, list):
            raise ControlError(f"argument {name} must be a list of texts")
        return tuple(Arguments({name: item}).text(name) for item in value)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Whole numbers; none when it is not given."""
        value = self._values.get(name) or []
        if not isinstance(value, list):
            raise ControlError(f"argument {name} must be a list of numbers")
        numbers = [item for item in value if isinstance(item, int) and not isinstance(item, bool)]
        if len(numbers) != len(value):
            raise ControlError(f"argument {name} must be a list of numbers")
        if any(abs(number) > MAX_NUMBER for number in numbers):
            raise ControlError(f"argument {name} has a number that is too large")
        return tuple(numbers)


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asks for."""

    name: str
    arguments: Arguments
    has_input: bool


def write_line(values: Mapping[str, Json]) -> bytes:
    """A line."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def write_chunk(data: bytes) -> bytes:
    """A piece of a stream; empty for its end."""
    return write_line({"chunk": len(data)}) + data


def parse_line(line: bytes) -> dict[str, Json]:
    """The object on a line."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ControlError("a line of the control protocol is broken") from None
    if not isinstance(value, dict):
        raise ControlError("a line of the control protocol is no object")
    return value


def parse_request(line: bytes) -> Request:
    """The request on a line."""
    values = parse_line(line)
    name, arguments = values.get("name"), values.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ControlError("a request needs a name, and its arguments by name")
    return Request(name, Arguments(arguments), values.get("has_input") is True)


def chunk_size(values: Mapping[str, Json]) -> int:
    """How many bytes of a stream follow; 0 at its end."""
    size = values.get("chunk")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= CHUNK_BYTES:
        raise ControlError("a piece of a stream has no proper size")
    return size


def greeting() -> bytes:
    """What the server says first."""
    return write_line({"mox": "ctl", "version": VERSION})


def check_greeting(line: bytes) -> None:
    """Refuse a server that speaks otherwise."""
    values = parse_line(line)
    if values.get("mox") != "ctl":
        raise ControlError("the control socket belongs to another program")
    if values.get("version") != VERSION:
        raise ControlError("the running server is of another version; restart it, then try again")


def socket_path(data_dir: Path) -> Path:
    """Where the socket is."""
    return data_dir / SOCKET_NAME
