"""Commands that repair accounts, with a server running and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import progress
from app.cli.main import main
from app.operations.repairs import Repair
from app.store.account.check import check
from app.store.accounts import Accounts
from app.store.datalock import DataLock
from app.wire.imap.flags import JUNK
from tests.support.accounts import add_now, simple_message
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, small_live, write_configuration
from tests.support.control import ControlWorld

FILTER = """\t\tJunkFilter:
\t\t\tThreshold: 0.95
\t\t\tParams:
\t\t\t\tMaxPower: 0.01
\t\t\t\tTopWords: 10
"""
DOMAINS = DOMAINS_CONF.replace("\tlocked:\n", FILTER + "\tlocked:\n", 1)


def filled(accounts: Accounts) -> None:
    for number in (1, 2, 3):
        add_now(accounts.open_now("jane"), simple_message(number))


def read(data_dir: Path, query: str) -> list[tuple[object, ...]]:
    accounts = Accounts(data_dir)
    try:
        jane = accounts.open_now("jane")
        assert check(jane, hashes=True) == []
        return jane.read_now(lambda db: db.execute(query).fetchall())
    finally:
        accounts.close()


def in_both_ways(directory: Path, work: Callable[[list[str]], None]) -> None:
    """`work` with the words that name the configuration, with a server that runs and with none."""
    world = ControlWorld(directory / "running")
    filled(world.accounts)
    world.run(lambda: work(["-config", str(world.live.path)]))
    world.accounts.close()
    path = write_configuration(directory / "stopped", MOX_CONF, DOMAINS)
    accounts = Accounts(directory / "stopped" / "data")
    filled(accounts)
    accounts.close()
    work(["-config", str(path)])


def test_mailbox_is_numbered_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(config: list[str]) -> None:
        assert main([*config, "reassignuids", "jane", "Inbox"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("jane: Inbox: uidvalidity was ")
        assert out.endswith("and 0 of 3 messages have new uids\n")
        assert main([*config, "bumpuidvalidity", "jane"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 6

    in_both_ways(tmp_path, work)
    assert read(tmp_path / "stopped" / "data", "SELECT uid FROM message") == [(1,), (2,), (3,)]


def test_everything_else_finds_nothing_to_repair_in_a_sound_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(config: list[str]) -> None:
        for words in (["fixuidmeta", "jane"], ["recalculatemailboxcounts", "jane"], ["fixmsgsize", "jane"]):
            assert main([*config, *words]) == 0
            assert capsys.readouterr().out == "jane: nothing to repair\n"
        assert main([*config, "reparse", "jane"]) == 0
        assert capsys.readouterr().out == "jane: 3 messages parsed, 0 of them are understood otherwise now\n"
        assert main([*config, "reindex"]) == 0
        assert "jane: 3 messages indexed\n" in capsys.readouterr().out

    in_both_ways(tmp_path, work)
    assert read(tmp_path / "stopped" / "data", "SELECT last_content_id FROM search_segment") == [(3,)]


def test_junk_filter_is_trained_again_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_configuration(tmp_path, MOX_CONF, DOMAINS)
    assert main(["-config", str(path), "retrain"]) == 0
    assert capsys.readouterr().out == "jane: learnt from 0 wanted and 0 junk messages\n"


def test_training_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_configuration(tmp_path, MOX_CONF, DOMAINS)
    accounts = Accounts(tmp_path / "data")
    for number in range(10):
        add_now(accounts.open_now("jane"), simple_message(number), flags=JUNK)
    accounts.close()
    monkeypatch.setattr(progress, "TELL_EVERY_S", -1.0)
    assert main(["-config", str(path), "retrain", "jane"]) == 0
    told = capsys.readouterr()
    assert told.err == "jane: 8 of 10\njane: 10 of 10\n"
    assert told.out == "jane: learnt from 0 wanted and 10 junk messages\n"


def test_retrain_refuses_an_account_without_a_filter_and_says_when_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    assert main(["-config", str(live.path), "retrain", "jane"]) == 1
    assert "JunkFilter" in capsys.readouterr().err
    assert main(["-config", str(live.path), "retrain"]) == 0
    assert "no account" in capsys.readouterr().out


def test_damaged_message_is_listed_and_makes_the_command_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    accounts = Accounts(live.data_dir)
    filled(accounts)
    accounts.open_now("jane").database.write_now(lambda db: db.execute("UPDATE body SET data = x'41' WHERE id = 2"))
    accounts.close()
    assert main(["-config", str(live.path), "reparse", "jane"]) == 1
    told = capsys.readouterr()
    assert "content 2: its bytes are damaged" in told.err
    assert "3 messages parsed" in told.out


@pytest.mark.parametrize("kind", sorted(Repair, key=lambda kind: kind.value))
def test_account_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, kind: Repair, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    assert main(["-config", str(live.path), kind.value, "nobody"]) == 1
    assert "there is no account 'nobody'" in capsys.readouterr().err
    assert not (live.data_dir / "accounts").exists()


def test_nothing_is_touched_while_another_process_has_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    with DataLock(live.data_dir):
        assert main(["-config", str(live.path), "reparse"]) == 1
    assert not (live.data_dir / "accounts").exists()
    assert main(["-config", str(live.path), "reassignuids", "jane", "Nowhere"]) == 1
    assert "no mailbox 'Nowhere'" in capsys.readouterr().err
