"""What the status says of backups."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.operations.backup.lastrun import FILE, LastRun, last_run, note_failed, note_made
from app.operations.status.backups import backup_finding
from app.store.looks import Grade

DAY = 86400.0
NOW = 1000 * DAY


@pytest.mark.parametrize(
    ("run", "age_of_server", "grade", "words"),
    [
        (LastRun(), 1, Grade.FINE, "None was ever made."),
        (LastRun(), 9, Grade.LOOK, "None was ever made."),
        (LastRun(made=NOW - DAY, place="/backup/mon"), 100, Grade.FINE, "made 1 day ago, in /backup/mon."),
        (LastRun(made=NOW - 9 * DAY, place="/backup/mon"), 100, Grade.LOOK, "made 9 days ago"),
        (LastRun(made=NOW - DAY, faults=2), 100, Grade.LOOK, "all but 2 things damaged"),
        (LastRun(made=NOW - 2 * DAY, failed=NOW - DAY, error="no room"), 100, Grade.ACT, "failed 1 day ago"),
        (LastRun(failed=NOW - DAY, error="no room"), 1, Grade.ACT, "None was ever made."),
        (LastRun(made=NOW - DAY, failed=NOW - 2 * DAY, error="no room"), 100, Grade.FINE, "made 1 day ago"),
    ],
)
def test_an_old_or_failed_backup_is_told(run: LastRun, age_of_server: int, grade: Grade, words: str) -> None:
    found = backup_finding(run, NOW - age_of_server * DAY, NOW)
    assert found.grade is grade
    assert words in found.text
    assert found.quote == (run.error if grade is Grade.ACT else "")


def test_a_failure_keeps_what_is_known_of_the_one_before(tmp_path: Path) -> None:
    assert last_run(tmp_path) == LastRun()
    note_made(tmp_path, 5.0, Path("/backup/mon"), 0)
    note_failed(tmp_path, 9.0, "no room " * 1000)
    found = last_run(tmp_path)
    assert (found.made, found.place, found.failed, len(found.error)) == (5.0, "/backup/mon", 9.0, 500)
    note_made(tmp_path, 11.0, Path("/backup/tue"), 3)
    assert last_run(tmp_path) == LastRun(made=11.0, place="/backup/tue", faults=3)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 60_000, b"\xff", b'{"made": "x", "place": 1}'])
def test_a_file_that_is_not_of_ours_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert last_run(tmp_path) == LastRun()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    (elsewhere := tmp_path / "elsewhere").write_text("mine")
    for name in (FILE, f"{FILE}.part"):
        (data / name).symlink_to(elsewhere)
    note_made(data, 5.0, Path("/backup/mon"), 0)
    assert elsewhere.read_text() == "mine"
    assert not (data / FILE).is_symlink()
