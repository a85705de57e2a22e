"""`undoupgrade`: a whole data directory goes back to the version before, and nothing is lost or sent twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.cli.main import main
from app.errors import StoreError
from app.store import queuedb, serverdb
from app.store.account import handle, readonly
from app.store.account.check import check
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient, QueueFilter
from app.store.serverdb import ServerDb
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.support.accounts import add_now, simple_message
from tests.support.configuration import small_live

LARGE = b"Subject: large\r\n\r\n" + b"0123456789" * 30_000
STEP = "CREATE TABLE of_the_next_version (n INTEGER)"


def begin_next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases get one more step when they are opened, until `undo`."""
    for module in (handle, readonly, queuedb, serverdb):
        monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, STEP))


class Data:
    """A data directory that is open for as long as one looks."""

    def __init__(self, data_dir: Path) -> None:
        self.accounts = Accounts(data_dir)
        self.jane = self.accounts.open_now("jane")
        self.queue = QueueDb.open(data_dir)
        self.server = ServerDb.open(data_dir)

    def __enter__(self) -> Data:
        return self

    def __exit__(self, *unused: object) -> None:
        self.server.close()
        self.queue.close()
        self.accounts.close()

    def queue_one(self, localpart: str) -> None:
        new = NewMessage(
            sender_account="jane",
            reverse_path=parse_address("jane@example.com"),
            recipients=(NewRecipient(path=parse_address(f"{localpart}@example.org")),),
            body=Body.of(LARGE),
        )
        asyncio.run(self.queue.add(new))

    def finish(self, localpart: str) -> None:
        assert asyncio.run(self.queue.drop(QueueFilter(recipient=f"{localpart}@example.org"))) == 1

    def queued(self) -> list[str]:
        return [str(one.recipient) for one in asyncio.run(self.queue.find(QueueFilter()))]

    def messages(self) -> int:
        assert check(self.jane, hashes=True) == []
        return self.jane.read_now(lambda db: int(db.execute("SELECT count(*) FROM message").fetchone()[0]))


def test_data_goes_back_and_what_came_since_can_be_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live = small_live(tmp_path)
    config = ["-config", str(live.path)]
    with Data(live.data_dir) as data:
        add_now(data.jane, simple_message(1))
        data.queue_one("sent")
        data.queue_one("waiting")
    assert main([*config, "undoupgrade"]) == 1
    assert "nothing to go back to" in capsys.readouterr().out

    begin_next_version(monkeypatch)
    with Data(live.data_dir) as data:
        add_now(data.jane, LARGE)
        data.finish("sent")
        data.queue_one("new")
    assert main([*config, "undoupgrade", "-yes"]) == 1
    assert "1 recipients came into the queue since the upgrade" in capsys.readouterr().err
    with Data(live.data_dir) as data:
        data.finish("new")
    assert main([*config, "undoupgrade"]) == 0
    told = capsys.readouterr().out
    assert told.count("before schema") == 3
    assert "1 messages came since" in told
    assert "add -yes" in told
    assert main([*config, "undoupgrade", "-yes"]) == 0
    assert main([*config, "export", "mbox", str(tmp_path / "out"), str(live.data_dir / "accounts/jane/undone-99")]) == 1
    [aside] = (live.data_dir / "accounts" / "jane").glob("undone-*")
    assert main([*config, "export", "mbox", str(tmp_path / "out"), str(aside)]) == 0
    assert b"Subject: large" in (tmp_path / "out" / "Inbox.mbox").read_bytes()

    monkeypatch.undo()
    with Data(live.data_dir) as data:
        assert data.messages() == 1
        assert data.queued() == ["waiting@example.org"]


def test_older_version_says_how_to_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_next_version(monkeypatch)
    Data(tmp_path).__exit__()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="undoupgrade"):
        Data(tmp_path)
