"""`import imap`, with a server running and without."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.accounts import Accounts
from tests.support.accounts import simple_message
from tests.support.configuration import small_live
from tests.support.control import ControlWorld
from tests.support.mailhost import Folder, Mailhost, in_thread


@pytest.fixture
def host() -> Mailhost:
    return Mailhost(
        {"INBOX": Folder({1: simple_message(1), 2: simple_message(2)}), "Work": Folder({5: b"A: b\r\n\r\n"})}
    )


def import_mail(config: Path, port: int, password: str, monkeypatch: pytest.MonkeyPatch, account: str = "jane") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    flags = ["-security", "none", "-port", str(port)]
    return main(["-config", str(config), "import", "imap", *flags, account, "127.0.0.1", "old-jane"])


def taken(data_dir: Path) -> int:
    accounts = Accounts(data_dir)
    try:
        rows = accounts.open_now("jane").read_now(lambda db: db.execute("SELECT count(*) FROM message").fetchone())
        return int(rows[0])
    finally:
        accounts.close()


def test_running_server_takes_the_mail_and_a_second_time_only_what_is_new(
    tmp_path: Path, host: Mailhost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ControlWorld(tmp_path)

    def twice() -> tuple[int, int]:
        with in_thread(host) as port:
            first = import_mail(world.live.path, port, "secret", monkeypatch)
            return first, import_mail(world.live.path, port, "secret", monkeypatch)

    assert world.run(twice) == (0, 0)
    assert capsys.readouterr().out == "3 messages taken\n0 messages taken\n"
    world.accounts.close()
    assert taken(world.live.data_dir) == 3


def test_mail_is_taken_without_a_server_and_problems_are_listed(
    tmp_path: Path, host: Mailhost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    host.omitted = frozenset({2})
    with in_thread(host) as port:
        assert import_mail(live.path, port, "secret", monkeypatch) == 0
    said = capsys.readouterr()
    assert said.out == "2 messages taken, 1 problem\n"
    assert "INBOX, message 2: the server does not give it" in said.err
    assert taken(live.data_dir) == 2


def test_wrong_password_is_told_with_what_to_do(
    tmp_path: Path, host: Mailhost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    with in_thread(host) as port:
        assert import_mail(live.path, port, "hunter2", monkeypatch) == 1
    said = capsys.readouterr()
    assert "app password" in said.err
    assert "again to go on" not in said.err, "it would not help"
    assert "hunter2" not in said.out + said.err


def test_when_nothing_answers_another_try_is_advised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_mail(small_live(tmp_path).path, 1, "secret", monkeypatch) == 1
    assert "run this again to go on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("account", "password", "words"), [("nobody", "secret", "no account 'nobody'"), ("jane", "", "no password")]
)
def test_import_that_cannot_begin_says_why(
    tmp_path: Path,
    account: str,
    password: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    live = small_live(tmp_path)
    assert import_mail(live.path, 1, password, monkeypatch, account) == 1
    assert words in capsys.readouterr().err
