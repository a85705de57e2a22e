"""The annotated examples have every setting and can be read; the list of settings without effect names real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import pending
from app.config.describe import describe_domains, describe_static
from app.config.dynamic import Dynamic
from app.config.loading import load
from app.config.reading import read
from app.config.schema import Kind, ListOf, MapOf, Struct, struct_of
from app.config.static import Static

DATA = Path(__file__).resolve().parent.parent / "data" / "config"


def paths(kind: Kind, path: tuple[str, ...] = ()) -> set[str]:
    if isinstance(kind, ListOf):
        return paths(kind.element, (*path, "*"))
    if isinstance(kind, MapOf):
        return paths(kind.value, (*path, "*"))
    if isinstance(kind, Struct):
        return set().union(
            *(paths(field.kind, (*path, field.name)) | {".".join((*path, field.name))} for field in kind.fields)
        )
    return set()


@pytest.mark.parametrize(("text", "declaration"), [(describe_static(), Static), (describe_domains(), Dynamic)])
def test_the_example_can_be_read_and_has_every_setting(text: str, declaration: type[Static] | type[Dynamic]) -> None:
    reading = read(text.encode(), "example", declaration)
    assert reading.problems == []
    for path in paths(struct_of(declaration)):
        assert f"{path.rsplit('.', maxsplit=1)[-1]}:" in text
    assert max(len(row) for row in map(str.strip, text.splitlines()) if row.startswith("#")) <= 80


@pytest.mark.parametrize(("patterns", "declaration"), [(pending.STATIC, Static), (pending.DYNAMIC, Dynamic)])
def test_every_pending_setting_exists(patterns: list[str], declaration: type[Static] | type[Dynamic]) -> None:
    assert set(patterns) <= paths(struct_of(declaration))


def test_every_setting_has_help_in_whole_sentences() -> None:
    def docs(kind: Kind) -> list[str]:
        if isinstance(kind, Struct):
            return [doc for field in kind.fields for doc in (field.doc, *docs(field.kind))]
        return docs(kind.element) if isinstance(kind, ListOf) else docs(kind.value) if isinstance(kind, MapOf) else []

    found = docs(struct_of(Static)) + docs(struct_of(Dynamic))
    assert [doc for doc in found if not doc.endswith(".")] == []


def test_settings_without_effect_are_named_with_their_line_unless_off() -> None:
    loaded = load(DATA / "go-localserve" / "mox.conf", files=False)
    notes = [str(note) for note in pending.without_effect(loaded.static, loaded.dynamic)]
    assert f"mox.conf:4: Pedantic: {pending.NO_EFFECT}" in notes
    assert f"domains.conf:13: Accounts.mox.KeepRetiredWebhookPeriod: {pending.NO_EFFECT}" in notes
    assert not any("IMAPS" in note or "Destinations:" in note for note in notes)


def test_what_is_off_needs_no_note(tmp_path: Path) -> None:
    good = DATA / "good"
    text = (good / "mox.conf").read_text() + "CheckUpdates: false\nPedantic: true\n"
    (tmp_path / "mox.conf").write_text(
        text.replace("WebserverHTTP:\n\t\t\tEnabled: true", "WebserverHTTP:\n\t\t\tEnabled: false")
    )
    (tmp_path / "domains.conf").write_text((good / "domains.conf").read_text() + "\t\tFullName: Jane\n")
    loaded = load(tmp_path / "mox.conf", files=False)
    assert [note.path for note in pending.without_effect(loaded.static, loaded.dynamic)] == [
        "Pedantic",
        "Accounts.jane.FullName",
    ]
