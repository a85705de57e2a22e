"""Mail comes back from a backup, into a running server or without one, and nothing that is there is changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.main import main
from app.operations.backup.run import Wanted, back_up
from app.store.account import expunge, mailboxes
from app.store.account.check import check
from app.store.account.mailboxes import ensure
from app.store.account.reader import read_message
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.serverdb import ServerDb
from tests.support.accounts import add_now, simple_message
from tests.support.configuration import small_live
from tests.support.control import ControlWorld

LARGE = "x" * 300_000 + "\n\n{"
Row = tuple[str, int, int, str, int, bytes]


def fill(accounts: Accounts) -> None:
    jane = accounts.open_now("jane")
    for number in (1, 2, 3):
        add_now(
            jane, simple_message(number), flags=number, keywords=("blue", "red"), internaldate=1_700_000_000 + number
        )
    add_now(jane, simple_message(4, LARGE), internaldate=1_700_000_004, prefix=b"Received: by us\r\n")
    jane.write_now(lambda tx: ensure(tx, "Mail/cur"))
    add_now(jane, simple_message(5), "Mail/cur")
    add_now(jane, simple_message(2), "Mail/cur")
    add_now(accounts.open_now("locked"), simple_message(1))


def lose(accounts: Accounts) -> None:
    """What happens after the backup: messages are expunged, another comes."""
    jane = accounts.open_now("jane")
    jane.write_now(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [2, 4]))
    add_now(jane, simple_message(6))


def rows(accounts: Accounts, mailbox: str) -> list[Row]:
    """The messages of a mailbox without their uids: mailbox, flags, date, keywords, size, bytes."""
    jane = accounts.open_now("jane")
    sql = """SELECT m.name, x.flags, x.internaldate, x.keywords, x.size_bytes, x.content_id FROM message x
        JOIN mailbox m ON m.id = x.mailbox_id WHERE m.name = ? ORDER BY x.uid"""

    def read(found: tuple[str, int, int, str, int, int]) -> Row:
        message = jane.read_now(lambda db: read_message(db, jane.directory / "msg", found[5]))
        assert message is not None
        return (*found[:5], message.whole())

    return [read(found) for found in jane.read_now(lambda db: db.execute(sql, (mailbox,)).fetchall())]


def backed_up(config_path: Path, data_dir: Path) -> Path:
    target = config_path.parent.parent / "backup"
    done = back_up(Wanted(config_path=config_path, data_dir=data_dir, target=target), lambda text: None)
    assert not done.faults
    return target


class Site:
    """A small server with mail, its backup, and what was lost since."""

    def __init__(self, directory: Path, *, is_running: bool) -> None:
        self.world = ControlWorld(directory) if is_running else None
        live = self.world.live if self.world else small_live(directory)
        self.config, self.data_dir = live.path, live.data_dir
        self._stopped: Accounts | None = None
        if self.world is None:
            ServerDb.open(self.data_dir).close()
            QueueDb.open(self.data_dir).close()
        accounts = self.accounts()
        fill(accounts)
        self.whole = rows(accounts, "Inbox")
        self.backup = backed_up(live.path, live.data_dir)
        lose(accounts)
        self.left = rows(accounts, "Inbox")
        self.close()

    def accounts(self) -> Accounts:
        """The accounts, for a look without a server or at the running one's."""
        if self.world:
            return self.world.accounts
        self._stopped = self._stopped or Accounts(self.data_dir)
        return self._stopped

    def close(self) -> None:
        if self._stopped:
            self._stopped.close()
            self._stopped = None

    def run(self, work: Callable[[], None]) -> None:
        """`work`, with the server running if it does; then everything must be consistent."""
        if self.world:
            self.world.run(work)
        else:
            work()
        assert check(self.accounts().open_now("jane"), hashes=True) == []

    def command(self, *words: str) -> int:
        return main(["-config", str(self.config), "restore", *words])


@pytest.fixture(params=["running", "stopped"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, is_running=request.param == "running")


def named(found: list[Row], mailbox: str) -> list[Row]:
    return [(mailbox, *row[1:]) for row in found]


def test_mailbox_comes_back_beside_byte_for_byte_and_again_adds_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        assert site.command("mailbox", str(site.backup), "jane", "Inbox") == 0
        assert capsys.readouterr().out.startswith("4 messages are back, below the mailbox Restored; 0 were there")
        assert site.command("mailbox", str(site.backup), "jane", "inbox") == 0
        assert capsys.readouterr().out.startswith("0 messages are back")
        assert site.command("mailbox", str(site.backup), "jane", "Nowhere") == 1
        assert "no mailbox 'Nowhere'" in capsys.readouterr().err

    site.run(work)
    assert rows(site.accounts(), "Restored/Inbox") == named(site.whole, "Restored/Inbox")
    assert rows(site.accounts(), "Inbox") == site.left
    site.close()


def test_missing_ones_come_into_the_mailbox_with_new_uids(site: Site) -> None:
    def work() -> None:
        assert site.command("account", "-missing", str(site.backup), "jane") == 0

    site.run(work)
    assert rows(site.accounts(), "Inbox") == [*site.left, site.whole[1], site.whole[3]]
    sql = "SELECT uid FROM message JOIN mailbox m ON m.id = mailbox_id WHERE m.name = 'Inbox' ORDER BY uid"
    jane = site.accounts().open_now("jane")
    assert jane.read_now(lambda db: db.execute(sql).fetchall()) == [(1,), (3,), (5,), (6,), (7,)]
    assert len(rows(site.accounts(), "Mail/cur")) == 2
    site.close()


def damage(site: Site, *, is_lost: bool) -> None:
    """Spoil the bytes of message 1, which are in the database, and of 4, which are in a file."""
    msg = site.data_dir / "accounts" / "jane" / "msg"
    large = next(path for path in msg.glob("*/*") if path.stat().st_size > 300_000)
    spoilt = large.read_bytes().replace(b"xxx", b"xyx", 1)
    large.unlink()  # the backup has the same file
    if not is_lost:
        large.write_bytes(spoilt)
    with contextlib.closing(sqlite3.connect(msg.with_name("index.db"), isolation_level=None)) as db:
        spoil = "CAST(replace(data, 'message 1', 'massage 1') AS BLOB)"
        db.execute(f"UPDATE body SET data = {spoil} WHERE instr(data, CAST('message 1' AS BLOB))")
        assert db.execute("SELECT changes()").fetchone() == (1,)


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("words", [("-missing",), ()])
def test_damaged_messages_are_made_whole_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], *, is_lost: bool
) -> None:
    site = Site(tmp_path, is_running=False)
    assert site.command("account", "-missing", str(site.backup), "jane") == 0
    before = rows(site.accounts(), "Inbox")
    site.close()
    damage(site, is_lost=is_lost)
    assert main(["-config", str(site.config), "verifydata"]) == 1
    assert "'Inbox' uid 1) is damaged" in capsys.readouterr().out
    assert site.command("account", *words, str(site.backup), "jane") == 0
    assert "2 of those that were there were damaged, and are whole again" in capsys.readouterr().out
    assert rows(site.accounts(), "Inbox") == before
    assert check(site.accounts().open_now("jane"), hashes=True) == []
    site.close()
    assert main(["-config", str(site.config), "verifydata"]) == 0


def test_backup_that_verifydata_worked_on_can_be_restored(tmp_path: Path) -> None:
    site = Site(tmp_path / "one", is_running=False)
    assert main(["verifydata", "-fix", str(site.backup)]) == 0
    assert (site.backup / "data" / "lock").exists()
    other = ["-config", str(tmp_path / "two" / "config" / "mox.conf")]
    assert main([*other, "restore", "all", str(site.backup)]) == 0


def test_list_shows_subjects_as_they_were_written(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    message = b"Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from\r\n Berlin\r\n\r\ntext\r\n"
    add_now(site.accounts().open_now("jane"), message)
    site.close()
    target = site.data_dir.parent / "again"
    back_up(Wanted(config_path=site.config, data_dir=site.data_dir, target=target), lambda text: None)
    assert site.command("list", str(target), "jane", "Inbox") == 0
    assert capsys.readouterr().out.endswith("  Re: Grüße from Berlin\n")


def test_one_message_comes_back_by_message_id_or_number(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        assert site.command("list", str(site.backup)) == 0
        assert capsys.readouterr().out == "jane\nlocked\n"
        assert site.command("list", str(site.backup), "jane", "Inbox") == 0
        assert "<2@example.org>  message 2" in capsys.readouterr().out
        assert site.command("message", str(site.backup), "jane", "<2@Example.org>") == 0
        assert capsys.readouterr().out.startswith("1 messages are back, in the mailboxes they were in; 1 were there")
        assert site.command("message", "-mailbox", "Inbox", str(site.backup), "jane", "4") == 0
        assert site.command("message", "-mailbox", "Inbox", str(site.backup), "jane", "9") == 1
        assert "has no message 9" in capsys.readouterr().err
        assert site.command("message", str(site.backup), "jane", "nobody@example.org") == 1
        assert "Message-ID" in capsys.readouterr().err

    site.run(work)
    assert rows(site.accounts(), "Inbox") == [*site.left, site.whole[1], site.whole[3]]
    site.close()


def test_account_that_was_removed_comes_back_with_settings_and_mail(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        config = ["-config", str(site.config), "config"]
        assert main([*config, "account", "rm", "locked"]) == 0
        assert site.command("account", str(site.backup), "locked") == 0
        assert "is back as it was" in capsys.readouterr().out
        assert site.command("account", str(site.backup), "nobody") == 1
        assert "no account 'nobody'" in capsys.readouterr().err
        assert main([*config, "account", "removed"]) == 0
        assert "locked-" in capsys.readouterr().out  # what was removed is still there

    site.close()
    site.run(work)
    assert "LoginDisabled: account is closed" in site.config.with_name("domains.conf").read_text()
    locked = site.accounts().open_now("locked")
    assert locked.read_now(lambda db: db.execute("SELECT count(*) FROM message").fetchall()) == [(1,)]
    assert check(locked, hashes=True) == []
    site.close()


def uidvalidities(accounts: Accounts) -> dict[str, int]:
    jane = accounts.open_now("jane")
    return dict(jane.read_now(lambda db: db.execute("SELECT name, uidvalidity FROM mailbox").fetchall()))


def test_lost_directory_of_an_account_comes_back_whole(tmp_path: Path) -> None:
    site = Site(tmp_path, is_running=False)
    before = uidvalidities(site.accounts())
    site.close()
    os.rename(site.data_dir / "accounts" / "jane", tmp_path / "lost")
    assert site.command("account", str(site.backup), "jane") == 0
    assert rows(site.accounts(), "Inbox") == site.whole
    after = uidvalidities(site.accounts())
    assert after.keys() == before.keys()
    assert min(after.values()) > max(before.values())
    site.close()


def test_everything_comes_back_to_an_empty_place_and_only_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path / "one", is_running=False)
    other = ["-config", str(tmp_path / "two" / "config" / "mox.conf")]
    assert main([*other, "restore", "all", str(site.backup)]) == 0
    assert "restored: " in capsys.readouterr().out
    accounts = Accounts(tmp_path / "two" / "data")
    assert rows(accounts, "Inbox") == site.whole
    assert min(uidvalidities(accounts).values()) > max(uidvalidities(site.accounts()).values())
    accounts.close()
    assert main([*other, "verifydata"]) == 0
    assert main([*other, "restore", "all", str(site.backup)]) == 1
    assert "not empty" in capsys.readouterr().err
    site.close()


def test_moving_keeps_the_numbers(tmp_path: Path) -> None:
    site = Site(tmp_path / "one", is_running=False)
    other = ["-config", str(tmp_path / "two" / "etc" / "mox.conf")]
    assert main([*other, "restore", "all", "-moving", str(site.backup)]) == 0
    accounts = Accounts(tmp_path / "two" / "data")
    assert uidvalidities(accounts).items() >= {("Inbox", uidvalidities(site.accounts())["Inbox"])}
    accounts.close()
    site.close()


def test_what_is_no_backup_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(tmp_path, is_running=False)
    assert site.command("mailbox", str(site.data_dir), "jane", "Inbox") == 1
    assert "is no backup" in capsys.readouterr().err
    assert site.command("message", "-mailbox", "Inbox", str(site.backup), "jane", "first") == 2
