"""Several files written together: all or none, and never over anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app.errors import Refusal, Temporary
from app.operations.newfiles import PRIVATE, NewFile, write_new_files, written


def test_files_and_their_directories_are_made_with_their_modes(tmp_path: Path) -> None:
    write_new_files([NewFile(tmp_path / "a/b/key", b"k", PRIVATE), NewFile(tmp_path / "a/conf", b"c")])
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/key", "a/conf")}
    assert (modes["a/b/key"], modes["a/conf"]) == (0o600, 0o640)
    assert modes["a"] & 0o007 == 0


def test_nothing_is_written_when_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "two").symlink_to("nowhere")
    with pytest.raises(Refusal, match="two"):
        write_new_files([NewFile(tmp_path / "one", b""), NewFile(tmp_path / "two", b"")])
    assert not (tmp_path / "one").exists()


def test_all_are_removed_when_one_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(Temporary):
        write_new_files([NewFile(tmp_path / "new/one", b"1"), NewFile(tmp_path / "file/two", b"2")])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_all_are_removed_when_what_they_are_for_fails(tmp_path: Path) -> None:
    with pytest.raises(Refusal), written([NewFile(tmp_path / "one", b"1")]):
        raise Refusal("no")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_to_sync_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Temporary):
        write_new_files([NewFile(tmp_path / "new/one", b"1")])
    assert list(tmp_path.iterdir()) == []
