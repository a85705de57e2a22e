"""Every setting explains itself, and what is listed as having no effect is a setting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.config import pending
from app.config.describe import describe_domains, describe_static
from app.config.dynamic import Dynamic
from app.config.schema import Field, Kind, ListOf, MapOf, Struct, struct_of
from app.config.static import Static
from app.wire import sconf

DECLARATIONS = {"mox.conf": (Static, pending.STATIC), "domains.conf": (Dynamic, pending.DYNAMIC)}


def settings(kind: Kind, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Field]]:
    """Every setting below a declaration with its path, map keys and elements of lists as *."""
    if isinstance(kind, Struct):
        for field in kind.fields:
            yield ".".join((*path, field.name)), field
            yield from settings(field.kind, (*path, field.name))
    elif isinstance(kind, MapOf):
        yield from settings(kind.value, (*path, "*"))
    elif isinstance(kind, ListOf):
        yield from settings(kind.element, (*path, "*"))


@pytest.mark.parametrize("file", DECLARATIONS)
def test_every_setting_has_a_text_that_is_a_sentence(file: str) -> None:
    declaration, _ = DECLARATIONS[file]
    bad = [path for path, field in settings(struct_of(declaration)) if not field.doc.rstrip().endswith((".", "?"))]
    assert not bad, f"give these settings of {file} a sentence: {bad}"


@pytest.mark.parametrize("file", DECLARATIONS)
def test_every_setting_without_effect_exists(file: str) -> None:
    declaration, patterns = DECLARATIONS[file]
    known = {path for path, _ in settings(struct_of(declaration))}
    assert set(patterns) <= known, f"app/config/pending.py names no setting of {file}: {set(patterns) - known}"


@pytest.mark.parametrize("text", [describe_static(), describe_domains()], ids=DECLARATIONS)
def test_annotated_example_parses(text: str) -> None:
    assert sconf.parse(text.encode()).faults == []
