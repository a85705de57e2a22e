"""A configuration file to a typed value, with everything that is wrong in it and the line of every setting.

Reading never stops at a fault: a broken setting gets its default or zero, so that the checks can go on and all
complaints come together. `Reading.problems` decides whether the value may be used. Paths name settings, such as
("Listeners", "public", "IPs", "[0]").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.config.schema import Field as Setting
from app.config.schema import Kind, ListOf, MapOf, Scalar, Struct, struct_of, zero
from app.errors import Problem, SconfSyntaxError
from app.wire import sconf
from app.wire.sconf import Document, Line

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Path = tuple[str, ...]
MAX_PROBLEMS = 500  # more help nobody, and a wrong file may have a million


@dataclass(slots=True)
class Places:
    """What is known about the settings of one file: their lines, and what is wrong with them."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def complain(self, path: Path, text: str, line: int = 0) -> None:
        """Record what is wrong with a setting, unless it is known to be broken already."""
        if any(path[:length] in self.broken for length in range(len(path) + 1)):
            return
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(file=self.file, line=line or self.line_of(path), path=show(path), text=text))

    def line_of(self, path: Path) -> int:
        """The line of a setting, or of the nearest one around it that is in the file."""
        for length in range(len(path), 0, -1):
            if line := self.lines.get(path[:length]):
                return line
        return 0


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """What a file says."""

    value: T_co
    places: Places
    document: Document

    @property
    def problems(self) -> list[Problem]:
        """Everything wrong, in the order of the file."""
        return sorted(self.places.problems, key=lambda problem: problem.line)

    @property
    def is_unread(self) -> bool:
        """Whether nothing of the file could be used."""
        return () in self.places.broken


def show(path: Path) -> str:
    """The form of a path for people: "Listeners.public.IPs[0]"."""
    return ".".join(path).replace(".[", "[")


def read(data: bytes, file: str, declaration: type[T]) -> Reading[T]:
    """The value of a file; never raises."""
    places = Places(file)
    document = sconf.parse(b"" if b"\0" in data else data)
    if b"\0" in data:
        places.complain((), "this is not a text file; name the configuration file")
        places.broken.add(())  # one complaint says it
    for fault in document.faults:
        places.complain((), fault.text, fault.line)
    value = _Reader(places).struct(struct_of(declaration), document.lines, ())
    return Reading(value, places, document)


class _Reader:
    """Follows the declarations down the tree."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def _broken(self, path: Path, text: str, line: int) -> None:
        self.places.complain(path, text, line)
        self.places.broken.add(path)

    def struct(self, struct: Struct, lines: list[Line], path: Path) -> Any:  # noqa: ANN401 - the declaration's type
        values: dict[str, Any] = {}
        for line in lines:
            self._field(struct, line, path, values)
        for setting in struct.fields:
            if setting.required and setting.attribute not in values:
                self.places.complain((*path, setting.name), f"missing; it is required: {_first_sentence(setting.doc)}")
                self.places.broken.add((*path, setting.name))
                values[setting.attribute] = zero(setting.kind)
        return struct.type(**values)

    def _field(self, struct: Struct, line: Line, path: Path, values: dict[str, Any]) -> None:
        try:
            entry = sconf.split_entry(line.text)
        except SconfSyntaxError as err:
            self.places.complain(path, err.message, line.number)
            return
        setting = struct.find(entry.name)
        here = (*path, entry.name)
        if setting is None:
            self.places.complain(here, _unknown(struct, entry.name), line.number)
        elif here in self.places.lines:
            self.places.complain(here, f"given twice; the first is on line {self.places.lines[here]}", line.number)
        else:
            self.places.lines[here] = line.number
            if _is_blank(setting, entry.value, line):
                values[setting.attribute] = setting.default
            else:
                values[setting.attribute] = _or_default(setting, self._value(setting.kind, entry.value, line, here))

    def _value(self, kind: Kind, text: str, line: Line, path: Path) -> Any:  # noqa: ANN401
        if isinstance(kind, Scalar):
            return self._scalar(kind, text, line, path)
        if text:
            self._broken(
                path, "a block is expected here: nothing behind the colon, settings one tab deeper", line.number
            )
        elif not line.children:
            self._broken(
                path, "an empty block; give it at least one line, one tab deeper, or leave it out", line.number
            )
        elif isinstance(kind, ListOf):
            return tuple(self._elements(kind, line.children, path))
        elif isinstance(kind, MapOf):
            return self._map(kind, line.children, path)
        else:
            return self.struct(kind, line.children, path)
        return zero(kind)

    def _scalar(self, kind: Scalar, text: str, line: Line, path: Path) -> Any:  # noqa: ANN401
        if line.children:
            self._broken(path, f"no block is expected here, but a value ({kind.word}) on this line", line.number)
            return kind.zero
        try:
            return kind.parse(text)
        except SconfSyntaxError as err:
            hint = (
                "; the line ends with a carriage return: save the file with LF line ends" if text[-1:] == "\r" else ""
            )
            self._broken(path, err.message + hint, line.number)
            return kind.zero

    def _elements(self, kind: ListOf, lines: list[Line], path: Path) -> list[Any]:
        values = []
        for index, line in enumerate(lines):
            here = (*path, f"[{index}]")
            self.places.lines[here] = line.number
            try:
                text = sconf.split_element(line.text)
            except SconfSyntaxError as err:
                self._broken(here, err.message, line.number)
                continue
            values.append(self._value(kind.element, text, line, here))
        return values

    def _map(self, kind: MapOf, lines: list[Line], path: Path) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for line in lines:
            try:
                entry = sconf.split_entry(line.text)
                key = kind.key.parse(entry.name)
            except SconfSyntaxError as err:
                self.places.complain(path, err.message, line.number)
                continue
            here = (*path, entry.name)
            if key in values:
                self.places.complain(here, "given twice", line.number)
                continue
            if (canonical := kind.key.write(key)) != entry.name:
                self.places.complain(here, f"write it in its canonical form, {canonical!r}", line.number)
            self.places.lines[here] = line.number
            is_nil = entry.value == "nil" and not line.children
            values[key] = zero(kind.value) if is_nil else self._value(kind.value, entry.value, line, here)
        return values


def _is_blank(setting: Setting, text: str, line: Line) -> bool:
    """Whether `Name:` stands for an empty text, which for an optional setting is the same as nothing."""
    is_text = isinstance(setting.kind, Scalar) and setting.kind.is_text
    return is_text and text == "" and not line.children and not setting.required


def _or_default(setting: Setting, value: Any) -> Any:  # noqa: ANN401
    """An explicit zero is the same as nothing, except where zero says something."""
    if setting.required or setting.explicit_zero or not isinstance(setting.kind, Scalar):
        return value
    is_zero_number = value == setting.kind.zero and not setting.kind.is_text and not isinstance(value, bool)
    return setting.default if is_zero_number else value


def _unknown(struct: Struct, name: str) -> str:
    folded = name.strip().lower()
    for setting in struct.fields:
        if setting.name.lower() == folded:
            return f"unknown setting; names are case-sensitive, write {setting.name!r}"
    return f"unknown setting; possible here: {' '.join(setting.name for setting in struct.fields)}"


def _first_sentence(doc: str) -> str:
    head, stop, _ = doc.partition(". ")
    return head + "." if stop else doc
