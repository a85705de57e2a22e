"""Data of earlier versions, kept in tests/data/upgrade as `gentestdata` of their day made it, is opened and is whole.

Who changes a table adds a migration; who releases a version adds its data. Never change the archives that are there.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tarfile
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.live import Live
from app.operations.accountdata import account_settings
from app.operations.testdata.making import ACCOUNTS, make
from app.store import queueschema, serverschema, snapshots, websessions
from app.store.account import credentials, schema
from app.store.account.check import check
from app.store.account.reader import read_message
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import QueueFilter
from app.store.serverdb import ServerDb
from app.store.sqlite import Database

KEPT = sorted((Path(__file__).parent.parent / "data" / "upgrade").glob("*.tar.xz"))
MIGRATIONS = {
    "accounts/test0/index.db": schema.MIGRATIONS,
    "queue/index.db": queueschema.MIGRATIONS,
    "server.db": serverschema.MIGRATIONS,
}


class Opened:
    """The data below a directory, opened and with that brought up to date."""

    def __init__(self, directory: Path) -> None:
        live = Live.open(directory / "config" / "mox.conf", files=False)
        self.data_dir = live.data_dir
        self.accounts = Accounts(live.data_dir, account_settings(live.static, lambda: live.dynamic))
        self.queue = QueueDb.open(live.data_dir)
        self.server = ServerDb.open(live.data_dir)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *unused: object) -> None:
        self.accounts.close()
        self.queue.close()
        self.server.close()

    def look_through(self) -> dict[str, int]:
        """How many messages there are, each of which can be read, and no account has a fault."""
        return {name: self._look_through(name) for name in ACCOUNTS}

    def _look_through(self, name: str) -> int:
        account = self.accounts.open_now(name)
        assert check(account, hashes=True) == []
        msg_dir = account.directory / "msg"

        def read(db: sqlite3.Connection) -> int:
            rows = db.execute("SELECT content_id FROM message").fetchall()
            found = [read_message(db, msg_dir, content_id) for (content_id,) in rows]
            assert all(message is not None and message.root.body_start <= len(message.body) for message in found)
            return len(found)

        return account.read_now(read)

    def recipients(self) -> list[str]:
        return sorted(str(one.recipient) for one in asyncio.run(self.queue.find(QueueFilter())))

    def sessions(self) -> int:
        return len(asyncio.run(self.server.sessions.list(websessions.Kind.ACCOUNT, "test0")))


def tables(path: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        return sorted(rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    asyncio.run(make(directory, "a password"))
    return directory


def test_made_data_is_whole_and_has_something_in_every_table(made: Path) -> None:
    with Opened(made) as opened:
        assert opened.look_through()["test0"] > 15
    for name in MIGRATIONS:
        with sqlite3.connect(made / "data" / name) as db:
            names = [name for kind, name, _ in tables(made / "data" / name) if kind == "table"]
            empty = {name for name in names if db.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)}
        assert not empty, "app/operations/testdata does not fill these; the upgrade test needs them"


@pytest.mark.parametrize("archive", KEPT, ids=lambda path: path.name.partition(".")[0])
def test_data_of_an_earlier_version_is_brought_up_to_date_and_is_whole(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path)
    before = {name: snapshots._version(tmp_path / "data" / name) for name in MIGRATIONS}
    with Opened(tmp_path) as opened:
        assert opened.look_through() == {"test0": 19, "test1": 0, "test2": 0}
        assert opened.recipients() == ["held@there.example", "one@there.example", "é@there.example"]
        assert opened.sessions() == 1
        known = opened.accounts.open_now("test0").read_now(credentials.load)
        password = (tmp_path / "password").read_text().strip()
        assert known is not None
        assert credentials.verify_password(known.argon2id, credentials.prepare(password))
    copied = {str(one.database.relative_to(tmp_path / "data")) for one in snapshots.find(tmp_path / "data")}
    assert copied & MIGRATIONS.keys() == {name for name, number in before.items() if number < len(MIGRATIONS[name])}


@pytest.mark.parametrize("archive", KEPT, ids=lambda path: path.name.partition(".")[0])
def test_tables_are_as_in_a_new_database_so_no_released_migration_was_edited(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path)
    for name, migrations in MIGRATIONS.items():
        Database(tmp_path / "data" / name, migrations).close()
        Database(tmp_path / "new.db", migrations).close()
        assert tables(tmp_path / "data" / name) == tables(tmp_path / "new.db"), name
        (tmp_path / "new.db").unlink()


def test_openaccounts_brings_accounts_up_to_date_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(KEPT[0]) as tar:
        tar.extractall(tmp_path)
    data = tmp_path / "data"
    assert main(["openaccounts", str(data), "test0", "nobody"]) == 1
    assert "there is no account 'nobody'" in capsys.readouterr().err
    assert main(["openaccounts", str(data), "test0", "test1"]) == 0
    versions = [snapshots._version(data / "accounts" / name / "index.db") for name in ACCOUNTS]
    assert versions == [len(schema.MIGRATIONS), len(schema.MIGRATIONS), 11]
    assert not (data / "accounts" / "nobody").exists()
