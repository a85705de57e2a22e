"""What we write, the Go server of the same name can read: both have the same settings, required ones too.

Ours beyond that are optional, and a file that was written without them has none.

`go-fields.txt` was written down from its documentation, not from our declarations. The files that the set-up generates
are read by our declarations in other tests, which refuse what is unknown or missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.dynamic import Dynamic
from app.config.schema import struct_of
from app.config.static import Static
from tests.guards.test_settings import settings

ONLY_OURS = {"Listeners.*.ProxyProtocolFrom": False}
TREE = Path(__file__).parent.parent / "data" / "config" / "go-fields.txt"


def sections() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in TREE.read_text().splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith("\t"):
            found[line.rstrip(":")] = []
        else:
            found[list(found)[-1]].append(line[1:])
    return found


def fields(section: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Each setting's path, and whether it is required."""
    stack: list[tuple[str, ...]] = []
    for line in sections()[section]:
        depth = len(line) - len(line.lstrip("\t"))
        name, need, *more = line.split()
        parent = stack[depth - 1] if depth else path
        yield ".".join((*parent, name)), need == "R"
        below = (*parent, name, "*") if "*" in more else (*parent, name)
        stack[depth:] = [below]
        if more and more[-1].startswith("@"):
            yield from fields(more[-1][1:], below)


@pytest.mark.parametrize(("file", "declaration"), [("mox.conf", Static), ("domains.conf", Dynamic)])
def test_our_settings_are_those_of_the_go_server(file: str, declaration: type) -> None:
    ours = {path: field.required for path, field in settings(struct_of(declaration))}
    more = {path: required for path, required in ours.items() if path in ONLY_OURS}
    assert ours == dict(fields(file)) | more
    assert not any(more.values())
