"""`deliver`: a message from standard input is in the right mailbox, with a server running and without."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli import deliver
from app.cli.main import main
from app.store.account.check import check
from app.store.account.reader import read_message
from app.store.accounts import Accounts
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, write_configuration
from tests.support.control import ControlWorld

RULES = """\t\t\tjane@example.com:
\t\t\t\tRulesets:
\t\t\t\t\t-
\t\t\t\t\t\tHeadersRegexp:
\t\t\t\t\t\t\tsubject: bill
\t\t\t\t\t\tMailbox: Bills
"""
DOMAINS = DOMAINS_CONF.replace("\t\t\tjane@example.com: nil\n", RULES)


def given(monkeypatch: pytest.MonkeyPatch, message: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(message)))


def stored(data_dir: Path) -> dict[str, bytes]:
    accounts = Accounts(data_dir)
    try:
        jane = accounts.open_now("jane")
        assert check(jane, hashes=True) == []
        query = "SELECT m.name, x.content_id FROM message x JOIN mailbox m ON m.id = x.mailbox_id"
        rows = jane.read_now(lambda db: db.execute(query).fetchall())
        found = {
            name: jane.read_now(lambda db, number=number: read_message(db, jane.directory / "msg", number))
            for name, number in rows
        }
        return {name: message.whole() for name, message in found.items() if message is not None}
    finally:
        accounts.close()


def test_rules_choose_the_mailbox_and_line_ends_become_those_of_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deliver, "PIECE", 7)
    config = ["-config", str(write_configuration(tmp_path, MOX_CONF, DOMAINS))]
    given(monkeypatch, b"Subject: your bill\n\none\r\ntwo\n")
    assert main([*config, "deliver", "jane+x@example.com"]) == 0
    assert capsys.readouterr().out == "delivered to jane, Bills\n"
    head = b"Delivered-To: jane+x@example.com\r\nReturn-Path: <>\r\n"
    assert stored(tmp_path / "data") == {"Bills": head + b"Subject: your bill\r\n\r\none\r\ntwo\r\n"}
    assert list((tmp_path / "data" / "tmp").iterdir()) == []


def test_running_server_delivers_a_large_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ControlWorld(tmp_path)
    given(monkeypatch, b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 100_000)
    assert world.run(lambda: main(["-config", str(world.live.path), "deliver", "jane@example.com"])) == 0
    assert capsys.readouterr().out == "delivered to jane, Inbox\n"
    world.accounts.close()
    assert len(stored(tmp_path / "data")["Inbox"]) > 1_200_000


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nobody@example.com", "no address of this server"),
        ("x", "no address"),
        ("a@else.example", "no address"),
        ("jane@example.com", "the message is empty"),
    ],
)
def test_address_of_nobody_and_no_message_are_refused(
    tmp_path: Path, address: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["-config", str(write_configuration(tmp_path, MOX_CONF, DOMAINS))]
    given(monkeypatch, b"" if address.startswith("jane") else b"Subject: x\n\n")
    assert main([*config, "deliver", address]) == 1
    assert told in capsys.readouterr().err
