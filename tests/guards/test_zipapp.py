"""mox.pyz holds every file of the program, and two builds are the same bytes."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_zipapp
from tests.guards.source import ROOT
from tests.support.built import build

SHIPPED = ("app", "quickstart", "templates", "static")


@pytest.fixture(scope="module")
def archive_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "mox.pyz"
    build(path)
    return path


def test_archive_holds_every_shipped_file_for_every_target(archive_path: Path) -> None:
    expected = shipped()
    with zipfile.ZipFile(archive_path) as archive:
        index = json.loads(archive.read("p/index.json"))
    for target, numbers in index["targets"].items():
        packed = {path for number in numbers for path, _ in index["groups"][number]["files"]}
        missing = sorted(expected - packed)
        assert not missing, (
            f"mox.pyz lacks these for {target}; see PROGRAM and NOT_PROGRAM in build_zipapp.py: {missing}"
        )


def shipped() -> set[str]:
    """Each file that the program may read when it runs."""
    paths = [path for top in SHIPPED for path in (ROOT / top).rglob("*") if path.is_file()]
    kept = [path for path in paths if "__pycache__" not in path.parts and not path.name.startswith(".")]
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_two_builds_are_the_same_bytes(archive_path: Path, tmp_path: Path) -> None:
    build(tmp_path / "second.pyz")
    assert archive_path.read_bytes() == (tmp_path / "second.pyz").read_bytes()


def test_archive_has_few_members_as_the_directory_is_read_at_every_start(archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path) as archive:
        assert len(archive.namelist()) < 40


def test_lock_names_no_registry_and_holds_every_dependency_by_hash() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    missing = set(declared) - set(build_zipapp.locked(text))
    assert not missing, f"run python3 build_zipapp.py --lock; not locked: {missing}"
