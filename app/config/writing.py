"""A typed value as a configuration file, and an edited value put into a file that keeps its comments and order.

`write` gives mox's form: fields in the order of their declarations, map keys sorted, settings at their defaults left
out, required ones always written, `nil` for a map value of which nothing would be written. `update` changes only the
lines whose settings differ between two values. Both raise SconfSyntaxError for what the format cannot say: a required
list or map that is empty, a line break in a value, a map key with a colon.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.config.schema import Field, Kind, ListOf, MapOf, Scalar, Struct, is_default, struct_of
from app.errors import SconfSyntaxError
from app.wire import sconf
from app.wire.sconf import Document, Line

WIDTH = 80
FORMAT_NOTE = (
    "This file is in sconf format: one setting a line, 'Name: value'. Indent with one tab for each level. Comments "
    "start with # and have lines of their own. Values have no quotes."
)


def write(value: object, *, note: str = "", docs: bool = False) -> bytes:
    """The file for a value of a declaration; `docs` puts the help text of a setting above its first use."""
    writer = _Writer(docs=docs)
    document = Document(writer.struct(struct_of(type(value)), value, 0))
    if note and document.lines:
        document.lines[0].before[:0] = [*comment(note, 0), ""]
    return sconf.write(document)


def comment(text: str, level: int) -> list[str]:
    """Comment lines for a text, as wide as mox makes them."""
    indent = "\t" * level + "# "
    paragraphs = text.split("\n")
    rows = [row for paragraph in paragraphs for row in textwrap.wrap(paragraph, WIDTH - len("# ")) or [""]]
    return [(indent + row).rstrip(" ") for row in rows]


class _Writer:
    """Values to lines."""

    def __init__(self, *, docs: bool = False) -> None:
        self.docs = docs
        self.explained: set[str] = set()

    def struct(self, struct: Struct, value: object, level: int) -> list[Line]:
        lines: list[Line] = []
        for field in struct.fields:
            content = getattr(value, field.attribute)
            if is_default(field, content) and not self._shows_presence(field, content):
                continue
            doc = self._doc(field, level) if self.docs else []
            line = self.field(field, content, level)
            line.before = ["", *doc] if doc and lines else doc
            lines.append(line)
        return lines

    def field(self, field: Field, value: object, level: int) -> Line:
        if isinstance(field.kind, Scalar):
            return Line(f"{field.name}: {_text(field.kind, value)}")
        children = self.block(field.kind, value, level + 1) or self._presence(field.kind)
        if not children:
            raise SconfSyntaxError(f"{field.name} cannot be empty")
        return Line(f"{field.name}:", children=children)

    def block(self, kind: Kind, value: Any, level: int) -> list[Line]:  # noqa: ANN401
        if isinstance(kind, Struct):
            return self.struct(kind, value, level)
        if isinstance(kind, ListOf):
            return [self.element(kind.element, element, level) for element in value]
        assert isinstance(kind, MapOf)
        entries = [self.entry(kind, key, content, level) for key, content in value.items()]
        return sorted(entries, key=_entry_name)

    def element(self, kind: Kind, value: object, level: int) -> Line:
        if isinstance(kind, Scalar):
            return Line(f"- {_text(kind, value)}")
        children = self.block(kind, value, level + 1) or self._presence(kind)
        if not children:
            raise SconfSyntaxError("an element of a list cannot be empty")
        return Line("-", children=children)

    def entry(self, kind: MapOf, key: object, value: object, level: int) -> Line:
        name = _key(kind.key, key)
        if isinstance(kind.value, Scalar):
            text = _text(kind.value, value)
            if text == "nil":
                raise SconfSyntaxError(f"{name}: the value 'nil' cannot be written, as it stands for nothing")
            return Line(f"{name}: {text}")
        children = self.block(kind.value, value, level + 1)
        return Line(f"{name}:", children=children) if children else Line(f"{name}: nil")

    def _doc(self, field: Field, level: int) -> list[str]:
        """The comment above a setting; said once in a file, as the same settings come again for every service."""
        if field.doc in self.explained:
            return []
        self.explained.add(field.doc)
        return comment(field.doc + ("" if field.required else " (optional)"), level)

    def _shows_presence(self, field: Field, value: object) -> bool:
        """Whether a section without content still says something, such as that a transport is Direct."""
        return field.nullable and value is not None and bool(self._presence(field.kind))

    def _presence(self, kind: Kind) -> list[Line]:
        """One setting of a struct at its default, so that the struct can be written."""
        if not isinstance(kind, Struct):
            return []
        for field in kind.fields:
            if isinstance(field.kind, Scalar) and field.default is not None:
                text = _text(field.kind, field.default)
                if text:
                    return [Line(f"{field.name}: {text}")]
        return []


def _entry_name(line: Line) -> str:
    return sconf.split_entry(line.text).name


def _text(kind: Scalar, value: object) -> str:
    text = kind.write(value)
    if "\n" in text:
        raise SconfSyntaxError("a value cannot have line breaks")
    return text


def _key(kind: Scalar, value: object) -> str:
    text = kind.write(value)
    if not text or ":" in text or "\n" in text or text[0] in " \t#":
        raise SconfSyntaxError(f"{text!r} cannot be the key of a map")
    return text


def update(document: Document, old: object, new: object) -> None:
    """Change the lines of `document`, whose value is `old`, so that its value is `new`."""
    _Update(document).struct(struct_of(type(old)), document.lines, old, new)


class _Update:
    """Walks a document and two values at the same time."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.writer = _Writer()

    def struct(self, struct: Struct, lines: list[Line], old: object, new: object) -> None:
        for field in struct.fields:
            before, after = getattr(old, field.attribute), getattr(new, field.attribute)
            if before == after:
                continue
            at = next((at for at, line in enumerate(lines) if _entry_name(line) == field.name), None)
            if after is None or is_default(field, after):
                if at is not None:
                    sconf.remove(self.document, lines, at)
            elif at is None:
                lines.insert(_place(struct, lines, field), self.writer.field(field, after, 0))
            elif isinstance(field.kind, Scalar):
                lines[at].text = self.writer.field(field, after, 0).text
            else:
                self._block(field.kind, lines[at], before, after)

    def _block(self, kind: Kind, line: Line, old: Any, new: Any) -> None:  # noqa: ANN401
        if isinstance(kind, Struct):
            self.struct(kind, line.children, old, new)
        elif isinstance(kind, ListOf):
            self._list(kind, line.children, old, new)
        elif isinstance(kind, MapOf):
            self._map(kind, line.children, old, new)
        if not line.children:
            raise SconfSyntaxError(f"{line.text.rstrip(':')} cannot be empty")

    def _map(self, kind: MapOf, lines: list[Line], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> None:
        for key in [key for key in old if key not in new]:
            sconf.remove(self.document, lines, _index(lines, _key(kind.key, key)))
        for key, value in new.items():
            if key in old and old[key] == value:
                continue
            fresh = self.writer.entry(kind, key, value, 0)
            if key not in old:
                lines.insert(_sorted_place(lines, _entry_name(fresh)), fresh)
            else:
                self._entry(kind, lines[_index(lines, _entry_name(fresh))], fresh, old[key], value)

    def _entry(self, kind: MapOf, line: Line, fresh: Line, old: object, new: object) -> None:
        if line.children and fresh.children:
            self._block(kind.value, line, old, new)
        else:  # a value on the line, or nil on either side
            line.text, line.children = fresh.text, fresh.children

    def _list(self, kind: ListOf, lines: list[Line], old: Sequence[Any], new: Sequence[Any]) -> None:
        was = [self.writer.element(kind.element, value, 0) for value in old]
        fresh = [self.writer.element(kind.element, value, 0) for value in new]
        matcher = difflib.SequenceMatcher(None, _texts(was), _texts(fresh), autojunk=False)
        for what, low, high, start, stop in reversed(matcher.get_opcodes()):
            if what == "equal":
                continue
            if what == "replace" and high - low == stop - start and isinstance(kind.element, Struct):
                for at, to in zip(range(low, high), range(start, stop), strict=True):
                    self.struct(kind.element, lines[at].children, old[at], new[to])
                continue
            for at in range(high - 1, low - 1, -1):
                sconf.remove(self.document, lines, at)
            lines[low:low] = fresh[start:stop]


def _texts(lines: Iterable[Line]) -> list[bytes]:
    return [sconf.write(Document([line])) for line in lines]


def _index(lines: list[Line], name: str) -> int:
    return next(at for at, line in enumerate(lines) if _entry_name(line) == name)


def _place(struct: Struct, lines: list[Line], field: Field) -> int:
    """Behind the last line of a setting that is declared before this one."""
    earlier = {other.name for other in struct.fields[: struct.fields.index(field)]}
    return max((at + 1 for at, line in enumerate(lines) if _entry_name(line) in earlier), default=0)


def _sorted_place(lines: list[Line], name: str) -> int:
    """Where a key belongs in a map that is sorted; the end of one that is not."""
    names = [_entry_name(line) for line in lines]
    if names != sorted(names):
        return len(names)
    return sum(1 for other in names if other < name)
