"""Secrets in configuration files, hidden where a file is shown: passwords of transports, Authorization of webhooks.

`mask` puts stars in the place of the values, also of those in comments and in a file that is wrong; it goes by the
names of settings alone. `unmask` puts the values of the present file back where the stars still stand at the same
setting, and raises ConfigError where it cannot know what they stand for: a section that was renamed or moved. In a
`diff` a value that differs says so without being shown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.config.dynamic import Dynamic
from app.config.schema import Kind, ListOf, MapOf, Struct, struct_of
from app.config.static import Static
from app.errors import ConfigError, Problem

MASK = "********"
_CHANGED = f"{MASK} (another value)"
_NAME = re.compile(r"(\t*)([^\t:#][^:]*):")
_VALUE = re.compile(r"([\t #]*)([^\t #:][^:#]*): (.+)")

Where = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a file; `where` says whose secret it has, or is None."""

    text: str
    where: Where | None
    value: str = ""


def mask(data: bytes, against: bytes | None = None) -> str:
    """The text of a file to show; with `against`, values that are not those of that file say so."""
    known = _secrets(against) if against is not None else None
    rows = []
    for row in _rows(data):
        if row.where is None:
            rows.append(row.text)
            continue
        is_same = known is None or known.get(row.where) == row.value
        rows.append(row.text[: len(row.text) - len(row.value)] + (MASK if is_same else _CHANGED))
    return "\n".join(rows)


def unmask(data: bytes, present: bytes, file: str) -> bytes:
    """The text of a form with its stars replaced by the values of the present file."""
    known, rows, problems = _secrets(present), [], []
    for number, row in enumerate(_rows(data), 1):
        if row.where is None or row.value not in (MASK, _CHANGED):
            rows.append(row.text)
        elif (value := known.get(row.where)) is not None:
            rows.append(row.text[: len(row.text) - len(row.value)] + value)
        else:
            text = "write the value again: this setting was renamed or moved, and what the stars stand for is not known"
            problems.append(Problem(file=file, line=number, path=".".join(row.where[:-1]), text=text))
    if problems:
        raise ConfigError(problems)
    return "\n".join(rows).encode("utf-8", "surrogateescape")


def diff(before: bytes, after: bytes) -> Sequence[str]:
    """The lines of a unified diff, without the two lines of names; no secret is in them. Empty when equal."""
    old, new = (text.removesuffix("\n").split("\n") for text in (mask(before), mask(after, before)))
    return list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]


def secret_names(*declarations: type[object]) -> frozenset[str]:
    """The names of settings that are declared secret."""
    return frozenset(name for one in declarations for name in _secret_names(struct_of(one)))


def _secret_names(kind: Kind) -> Iterator[str]:
    if isinstance(kind, ListOf):
        yield from _secret_names(kind.element)
    elif isinstance(kind, MapOf):
        yield from _secret_names(kind.value)
    elif isinstance(kind, Struct):
        for field in kind.fields:
            if field.secret:
                yield field.name
            yield from _secret_names(field.kind)


NAMES = secret_names(Static, Dynamic)


def _rows(data: bytes) -> Iterator[_Row]:
    """Each line with the names of the settings around it; the last part of `where` counts equal ones."""
    path: list[str] = []
    seen: dict[Where, int] = {}
    for text in data.decode("utf-8", "surrogateescape").split("\n"):
        name = _NAME.match(text)
        if name is not None:
            path[len(name[1]) :] = [name[2]]
        found = _VALUE.fullmatch(text)
        if found is None or found[2].strip() not in NAMES or found[3] == "nil":
            yield _Row(text, None)
            continue
        setting = (*path, "#") if "#" in found[1] else tuple(path)
        seen[setting] = count = seen.get(setting, 0) + 1
        yield _Row(text, (*setting, str(count)), found[3])


def _secrets(data: bytes) -> dict[Where, str]:
    return {row.where: row.value for row in _rows(data) if row.where is not None}
