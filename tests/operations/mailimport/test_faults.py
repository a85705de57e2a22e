"""An import that fails at any system call leaves whole messages, and the next one brings the rest, each once."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest

from app.operations.testdata.making import make
from app.store.accounts import Accounts
from tests.support.accounts import simple_message
from tests.support.faulting import EVERY_CALL, IS_LONG, STRACE, Faults, damage

MESSAGES = 40
LARGE = b"Subject: large\r\n\r\n" + b"0123456789" * 60_000  # its body is a file of its own

pytestmark = pytest.mark.skipif(not STRACE, reason="needs strace")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "mox"
    folder.mkdir()
    asyncio.run(make(folder, "a password"))
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "mail.zip"
    with zipfile.ZipFile(path, "w") as made:
        for number in range(MESSAGES):
            made.writestr(f"In/cur/{1_700_000_000 + number}.x:2,S", simple_message(number))
        made.writestr("In/new/1700001000.x", LARGE)
    return path


@pytest.mark.parametrize("call", [*EVERY_CALL, "link", "linkat"] if IS_LONG else ["pwrite64", "fsync", "rename"])
def test_import_that_failed_goes_on_the_next_time_and_takes_each_once(
    start: Path, archive: Path, tmp_path: Path, call: str
) -> None:
    faults = Faults(tmp_path / "mox", start, ["import", "archive", "test0", str(archive)])
    whole, failed = held(start / "data") + MESSAGES + 1, 0
    for when in faults.times(call):
        failed += faults.fail(call, when) != 0
        assert "Traceback" not in faults.said or call == "write", "which asyncio uses on a pipe of its own"
        left = damage(faults.folder / "data")
        # When a commit fails nobody knows whether it counts: the files stay, and the next opening of the account looks.
        assert [text for text in left if not (call == "fdatasync" and "belongs to no body" in text)] == [], when
        assert faults.run() == 0, faults.said
        assert damage(faults.folder / "data") == [], when
        assert held(faults.folder / "data") == whole, when
    assert failed or call not in ("pwrite64", "fsync"), "the faults reached what matters"


def held(data_dir: Path) -> int:
    accounts = Accounts(data_dir)
    try:
        (found,) = accounts.open_now("test0").read_now(
            lambda db: db.execute("SELECT count(DISTINCT content_id) FROM message").fetchone()
        )
        return int(found)
    finally:
        accounts.close()
