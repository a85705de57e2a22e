"""`import` and `export` of archives, with a running server and without; what goes out comes in as it was."""

from __future__ import annotations

import io
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.account.bodies import path_of
from app.store.account.mailboxes import all_mailboxes
from app.store.accounts import Accounts
from tests.support.accounts import add_now, simple_message
from tests.support.configuration import small_live
from tests.support.control import ControlWorld

MBOX = b"From a@b Tue Nov 14 22:13:20 2023\nSubject: one\n\ntext\n\n"


def held(data_dir: Path) -> list[tuple[str, int, int]]:
    """Mailbox, flags and date of all messages."""
    sql = (
        "SELECT m.name, x.flags, x.internaldate FROM message x JOIN mailbox m ON m.id = x.mailbox_id ORDER BY 1, x.uid"
    )
    accounts = Accounts(data_dir)
    try:
        return accounts.open_now("jane").read_now(lambda db: db.execute(sql).fetchall())
    finally:
        accounts.close()


def maildir(path: Path) -> Path:
    for name in ("cur", "new", "tmp", ".Sent"):
        (path / name).mkdir(parents=True)
    (path / ".Sent" / "cur").mkdir()
    (path / "cur" / "1700000000.x:2,S").write_bytes(b"A: b\n\n")
    (path / "new" / "1700000001.x").write_bytes(b"A: c\n\n")
    (path / ".Sent" / "cur" / "1700000002.x:2,RS").write_bytes(b"A: d\n\n")
    (path / "link").symlink_to("/etc/passwd")
    return path


WHOLE = [("Old", 1, 1_700_000_000), ("Old", 0, 1_700_000_001), ("Old/Sent", 3, 1_700_000_002)]


def test_running_server_is_sent_a_maildir_and_takes_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = maildir(tmp_path / "mail")
    world = ControlWorld(tmp_path)
    command = ["-config", str(world.live.path), "import", "maildir", "jane", "Old", str(folder)]
    assert world.run(lambda: (main(command), main(command))) == (0, 0)
    said = capsys.readouterr()
    assert said.out == "3 messages taken\n0 messages taken, 3 were here already\n"
    assert said.err.count("link is left out: it is a link") == 2
    world.accounts.close()
    assert held(world.live.data_dir) == WHOLE
    assert list((world.live.data_dir / "imports" / "jane").iterdir()) == []


def test_maildir_is_imported_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = small_live(tmp_path)
    assert main(["-config", str(live.path), "import", "maildir", "jane", "Old", str(maildir(tmp_path / "m"))]) == 0
    said = capsys.readouterr()
    assert said.out == "3 messages taken, 1 problem\n"
    assert "link is left out: it is a link" in said.err
    assert held(live.data_dir) == WHOLE


@pytest.mark.parametrize("is_running", [True, False])
def test_import_of_something_else_says_what_it_would_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    world = ControlWorld(tmp_path) if is_running else None
    live = world.live if world else small_live(tmp_path)
    (tmp_path / "x").write_bytes(b"hello")

    def run() -> list[int]:
        start = ["-config", str(live.path), "import"]
        return [
            main([*start, "mbox", "jane", "Old", str(tmp_path / "x")]),
            main([*start, "mbox", "jane", "a//b", str(tmp_path / "x")]),
            main([*start, "mbox", "nobody", "Old", str(tmp_path / "x")]),
            main([*start, "archive", "jane", str(tmp_path / "absent")]),
        ]

    assert (world.run(run) if world else run()) == [1, 1, 1, 1]
    said = capsys.readouterr().err
    assert "again to go on" not in said, "it would not help"
    for words in ("neither a zip or tar archive nor an mbox", "twice in a row", "no account 'nobody'", "there is no "):
        assert words in said


@pytest.mark.parametrize("is_running", [True, False])
def test_a_file_that_is_no_mbox_is_a_failure_and_leaves_no_mailbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    world = ControlWorld(tmp_path) if is_running else None
    live = world.live if world else small_live(tmp_path)
    (tmp_path / "x.mbox").write_bytes(b"Subject: no From line\n\ntext\n")
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "bad.mbox").write_bytes(b"hello")
    (folder / "good.mbox").write_bytes(b"\xef\xbb\xbf\n" + MBOX)
    (folder / "empty.mbox").write_bytes(b"")
    start = ["-config", str(live.path), "import"]

    def run() -> tuple[int, int]:
        one = main([*start, "mbox", "jane", "Bad", str(tmp_path / "x.mbox")])
        return one, main([*start, "archive", "jane", str(folder)])

    assert (world.run(run) if world else run()) == (1, 0)
    said = capsys.readouterr()
    assert "x.mbox: it is no mbox file" in said.err
    assert "bad.mbox: it is no mbox file" in said.err
    assert said.out == "0 messages taken, 1 problem\n1 message taken, 1 problem\n"
    if world:
        world.accounts.close()
    accounts = Accounts(live.data_dir)
    names = {row.name for row in accounts.open_now("jane").read_now(all_mailboxes)}
    accounts.close()
    assert {"good", "empty"} <= names
    assert not {"Bad", "bad"} & names


@pytest.mark.parametrize("is_running", [True, False])
def test_a_file_with_a_name_that_is_not_utf8_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    world = ControlWorld(tmp_path) if is_running else None
    live = world.live if world else small_live(tmp_path)
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mbox")
    Path(name).write_bytes(MBOX)

    def run() -> int:
        return main(["-config", str(live.path), "import", "mbox", "jane", "Old", name])

    assert (world.run(run) if world else run()) == 0
    assert capsys.readouterr().out == "1 message taken\n"
    if world:
        world.accounts.close()


@pytest.mark.parametrize("is_running", [True, False])
def test_mbox_comes_through_a_pipe_and_twice_when_wanted(tmp_path: Path, is_running: bool) -> None:
    world = ControlWorld(tmp_path) if is_running else None
    live = world.live if world else small_live(tmp_path)
    pipe = tmp_path / "pipe.mbox"
    os.mkfifo(pipe)

    def run() -> int:
        for _ in range(2):
            threading.Thread(target=pipe.write_bytes, args=(MBOX * 3,), daemon=True).start()
            command = ["-config", str(live.path), "import", "mbox", "-copies", "jane", "Old", str(pipe)]
            if main(command):
                return 1
        return 0

    assert (world.run(run) if world else run()) == 0
    if world:
        world.accounts.close()
    assert len(held(live.data_dir)) == 6


@pytest.mark.parametrize("kind", ["maildir", "mbox"])
@pytest.mark.parametrize("archive", ["zip", "tgz", "tar", ""])
def test_account_moves_to_another_installation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, archive: str
) -> None:
    old = small_live(tmp_path / "old")
    accounts = Accounts(old.data_dir)
    add_now(accounts.open_now("jane"), simple_message(1), flags=5, internaldate=1000)
    add_now(accounts.open_now("jane"), simple_message(2), "Archive", internaldate=2000)
    accounts.close()
    new, target = small_live(tmp_path / "new"), str(tmp_path / "mail")
    flags = ["-archive", archive] if archive else []
    assert main(["-config", str(old.path), "export", kind, *flags, target, "jane"]) == 0
    assert main(["-config", str(new.path), "import", "archive", "jane", target]) == 0
    assert capsys.readouterr().out == f"2 of 2 messages written to {target}\n2 messages taken\n"
    assert held(new.data_dir) == held(old.data_dir) == [("Archive", 0, 2000), ("Inbox", 5, 1000)]


def test_archive_goes_to_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = small_live(tmp_path)
    Accounts(live.data_dir).open_now("jane").close()
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["-config", str(live.path), "export", "mbox", "-archive", "zip", "-", "jane"]) == 0
    out.flush()
    data = out.buffer.getvalue()
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert data.startswith(b"PK")
    assert b"messages written" not in data


def test_messages_that_cannot_be_read_are_not_counted_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    accounts = Accounts(live.data_dir)
    account = accounts.open_now("jane")
    add_now(account, simple_message(1))
    add_now(account, b"Subject: big\r\n\r\n" + b"line\r\n" * 200_000)
    sql = "SELECT hash FROM body WHERE data IS NULL"
    path_of(account.directory / "msg", account.read_now(lambda db: db.execute(sql).fetchone()[0])).unlink()
    accounts.close()
    assert main(["-config", str(live.path), "export", "mbox", str(tmp_path / "out"), "jane"]) == 1
    assert "1 of 2 messages written" in capsys.readouterr().out


def test_account_that_there_is_not_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = small_live(tmp_path)
    assert main(["-config", str(live.path), "export", "mbox", str(tmp_path / "x"), "nobody"]) == 1
    assert main(["-config", str(live.path), "export", "mbox", "", "jane"]) == 2
    said = capsys.readouterr().err
    assert "there is no account" in said
    assert "destination is empty" in said
