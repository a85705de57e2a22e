"""Commands about what is kept, without a server: they do the same to data at rest, and never beside a server."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.live import Live
from app.store.account.credentials import load, verify_password
from app.store.accounts import Accounts
from app.store.datalock import DataLock
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.support.configuration import small_live


@pytest.fixture
def at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Two messages in a queue that no server has."""
    live = small_live(tmp_path)
    monkeypatch.setenv("MOXCONF", str(live.path))
    queue = QueueDb.open(live.data_dir)
    message = NewMessage(
        sender_account="jane",
        reverse_path=parse_address("jane@example.com"),
        recipients=tuple(NewRecipient(path=parse_address(f"{name}@example.org")) for name in ("one", "two")),
        body=Body.of(b"Subject: hi\r\n\r\nbody\r\n"),
        prefix=b"Received: by us\r\n",
    )
    asyncio.run(queue.add(message))
    queue.close()
    return live


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    told = capsys.readouterr()
    return told.out + told.err


def test_queue_of_a_server_that_does_not_run_is_looked_at_and_changed(
    at_rest: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "queue", "hold", "-to", "one@example.org") == "1 changed\n"
    assert said(capsys, "queue", "drop", "-to", "two@example.org") == "1 dropped\n"
    [line] = said(capsys, "queue", "list").splitlines()
    assert " hold " in line
    assert "one@example.org" in line
    assert "no message 99" in said(capsys, "queue", "attempts", "99", code=1)
    assert said(capsys, "queue", "suppress", "add", "jane", "left@example.org") == ""
    assert "left@example.org" in said(capsys, "queue", "suppress", "list")
    assert "rule 1" in said(capsys, "queue", "holdrules", "add", "-account", "jane")
    assert said(capsys, "queue", "retired", "list").startswith("no mail is remembered")
    assert said(capsys, "loginattempts").startswith("no sign-ins")


def test_password_is_set_without_a_server(
    at_rest: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"new password\n")))
    said(capsys, "setaccountpassword", "jane")
    accounts = Accounts(at_rest.data_dir)
    found = accounts.open_now("jane").read_now(load)
    accounts.close()
    assert found
    assert verify_password(found.argon2id, "new password")


def test_nothing_is_done_beside_a_server_that_cannot_be_asked(
    at_rest: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = DataLock(at_rest.data_dir)
    lock.take()
    busy = said(capsys, "queue", "drop", "-all", code=1)
    assert busy.startswith(f"process {os.getpid()} works on {at_rest.data_dir}, ")
    assert "run this again when it is done" in busy
    assert "no server" not in busy
    lock.release()
    assert len(said(capsys, "queue", "list").splitlines()) == 2


@pytest.mark.parametrize("flag", ["ids", "n", "account", "from", "to", "submitted", "nextattempt"])
@pytest.mark.parametrize("words", [("drop",), ("fail",), ("hold",), ("schedule", "1h"), ("transport", ""), ("list",)])
def test_an_empty_filter_is_refused_and_never_means_the_whole_queue(
    at_rest: Live, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], flag: str
) -> None:
    word, *rest = words
    assert f"-{flag}" in said(capsys, "queue", word, f"-{flag}", "", *rest, code=2)
    if flag in ("from", "to"):
        assert "as in @two.example" in said(capsys, "queue", word, f"-{flag}", "two.example", *rest, code=2)
    lines = said(capsys, "queue", "list").splitlines()
    assert len(lines) == 2
    assert not any(" hold " in line for line in lines)


@pytest.mark.parametrize("word", ["drop", "fail"])
def test_a_number_of_messages_does_not_say_which_ones_to_remove(
    at_rest: Live, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert "say which messages, or -all" in said(capsys, "queue", word, "-n", "1", code=2)
    assert "-n is a number from 1 on" in said(capsys, "queue", word, "-all", "-n", "0", code=2)
    assert len(said(capsys, "queue", "list").splitlines()) == 2
    assert said(capsys, "queue", word, "-all", "-n", "1").startswith("1 ")
    assert " changed" in said(capsys, "queue", "hold", "-transport", "")


def test_an_empty_part_of_a_hold_rule_is_refused(at_rest: Live, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("queue", "holdrules", "add", "-account", "", "-senderdom", "example.com")
    assert "-account is empty" in said(capsys, *words, code=2)
    assert said(capsys, "queue", "holdrules", "list") == "no hold rules\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 1), ("", 1)])
def test_erasing_an_account_is_asked_for_on_a_terminal(
    at_rest: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int
) -> None:
    said(capsys, "config", "account", "add", "zoe", "zoe@example.com")
    said(capsys, "config", "account", "rm", "zoe")
    number = said(capsys, "config", "account", "removed").split()[0]
    monkeypatch.setattr("sys.stdin", _Terminal(answer))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    told = said(capsys, "config", "account", "erase", number, code=code)
    assert f"this erases {number} with its mail for good. Type yes to do it: " in told
    assert ("nothing was changed" in told) == bool(code)
    assert bool(said(capsys, "config", "account", "removed")) == bool(code)
