"""Annotated examples of both files, with every setting, its help text and its default; made from the declarations.

They are for reading: values are examples, and not all settings go together. The form is right all the same, so the
examples parse.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.config import pending
from app.config.dynamic import Dynamic
from app.config.reading import Path
from app.config.schema import Field, Kind, ListOf, MapOf, Scalar, Struct, struct_of
from app.config.static import Static
from app.config.submitfile import Submit
from app.config.writing import FORMAT_NOTE, comment
from app.wire import sconf
from app.wire.sconf import Document, Line

_EXAMPLES = {
    "domain name": "example.org",
    "regular expression": "^example$",
    "IP address": "0.0.0.0",
    "IP address or network": "127.0.0.1",
    "duration": "0s",
    "log level": "info",
}


def describe_static() -> str:
    """An annotated mox.conf."""
    return _describe(Static, pending.STATIC)


def describe_domains() -> str:
    """An annotated domains.conf."""
    return _describe(Dynamic, pending.DYNAMIC)


def _describe(declaration: type[Static | Dynamic | Submit], patterns: Iterable[str]) -> str:
    lines = _Describer(list(patterns)).struct(struct_of(declaration), (), 0)
    lines[0].before[:0] = [*comment(FORMAT_NOTE, 0), ""]
    return sconf.write(Document(lines)).decode()


def describe_submit() -> str:
    """An annotated moxsubmit.conf."""
    return _describe(Submit, ())


class _Describer:
    """Declarations to lines."""

    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns

    def struct(self, struct: Struct, path: Path, level: int) -> list[Line]:
        lines: list[Line] = []
        for field in struct.fields:
            line = self._field(field, (*path, field.name), level)
            line.before = [*([""] if lines else []), *comment(self._doc(field, (*path, field.name)), level)]
            lines.append(line)
        return lines

    def _doc(self, field: Field, path: Path) -> str:
        words = [field.doc]
        if default := _default_text(field):
            words.append(f"Default: {default}.")
        if not field.required:
            words.append("(optional)")
        if pending.is_pending(path, self.patterns):
            words.append("[no effect yet]")
        return " ".join(words)

    def _field(self, field: Field, path: Path, level: int) -> Line:
        if isinstance(field.kind, Scalar):
            return Line(f"{field.name}: {_default_text(field) or _example(field.kind)}")
        return Line(f"{field.name}:", children=self._block(field.kind, path, level + 1))

    def _block(self, kind: Kind, path: Path, level: int) -> list[Line]:
        if isinstance(kind, Struct):
            return self.struct(kind, path, level)
        if isinstance(kind, ListOf):
            if isinstance(kind.element, Scalar):
                return [Line(f"- {_example(kind.element)}")]
            return [Line("-", children=self._block(kind.element, (*path, "*"), level + 1))]
        assert isinstance(kind, MapOf)
        key = _example(kind.key) or "x"
        if isinstance(kind.value, Scalar):
            return [Line(f"{key}: {_example(kind.value)}")]
        return [Line(f"{key}:", children=self._block(kind.value, (*path, "*"), level + 1))]


def _default_text(field: Field) -> str:
    """The default, where it says something."""
    if not isinstance(field.kind, Scalar) or field.required or field.default in {None, field.kind.zero}:
        return ""
    return field.kind.write(field.default)


def _example(kind: Scalar) -> str:
    return _EXAMPLES.get(kind.word) or kind.write(kind.zero)
