"""An account is removed with its mail and brought back, at rest and while somebody is signed in."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.clock import SYSTEM
from app.config.live import Live
from app.errors import Conflict, NoSuchAccount, Refusal, Temporary
from app.operations import accounts, aliases, removedaccounts
from app.operations.accountdata import account_settings
from app.operations.configversions import restore_version
from app.operations.removedaccounts import (
    Holdings,
    erase_account,
    erase_removed,
    remove_account,
    removed_accounts,
    restore_account,
)
from app.store.account import credentials
from app.store.accounts import Accounts
from app.store.holdrules import HoldRule
from app.store.queuedb import QueueDb
from app.store.serverdb import ServerDb
from app.store.websessions import Kind
from app.wire.smtp.address import parse_address
from tests.support.operating import DOMAINS_CONF, open_live, text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    live: Live
    accounts: Accounts
    server: ServerDb
    queue: QueueDb

    @property
    def holdings(self) -> Holdings:
        return Holdings(
            live=self.live,
            accounts=self.accounts,
            sessions=self.server.sessions,
            keys=self.server.keys,
            queue=self.queue,
            clock=SYSTEM,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    live = open_live(tmp_path)
    server = ServerDb.open(live.data_dir)
    found = Accounts(live.data_dir, account_settings(live.static, lambda: live.dynamic))
    queue = QueueDb.open(live.data_dir)
    yield World(live, found, server, queue)
    found.close()
    queue.close()
    server.close()


class Client:
    """Somebody who is signed in."""

    def __init__(self) -> None:
        self.is_sent_away = False

    def leave(self) -> None:
        self.is_sent_away = True


def test_an_account_goes_with_its_mail_and_comes_back_with_its_password_and_aliases(world: World) -> None:
    world.accounts.open_now("joe").write_now(lambda tx: credentials.set_password(tx, "correct horse"))
    home = world.live.data_dir / "accounts" / "joe"
    removed = world.run(remove_account(world.holdings, "joe"))
    assert not home.exists()
    assert "joe" not in text(world.live)
    place = world.live.data_dir / "removed" / removed.id
    assert stat.S_IMODE((place / "account.conf").stat().st_mode) == 0o600
    (listed,) = removed_accounts(world.live.data_dir)
    assert (listed.name, listed.addresses, listed.id) == ("joe", ("joe@example.org",), removed.id)
    assert world.run(restore_account(world.holdings, removed.id)) == "joe"
    members = aliases.find_alias(world.live.dynamic, "team@example.org").alias.addresses
    assert set(members) == {"joe@example.org", "jane@example.org"}
    found = world.accounts.open_now("joe").read_now(credentials.load)
    assert found
    assert credentials.verify_password(found.argon2id, "correct horse")
    assert not place.exists()
    assert removed_accounts(world.live.data_dir) == []


def test_who_is_signed_in_is_sent_away(world: World) -> None:
    client = Client()

    async def work() -> None:
        account = await world.accounts.open("joe")
        account.users.add(client)
        new = await world.server.sessions.create(Kind.ACCOUNT, "joe", remote="192.0.2.1", user_agent="")
        await remove_account(world.holdings, "joe")
        assert await world.server.sessions.find(Kind.ACCOUNT, new.token) is None
        with pytest.raises(Temporary):
            await account.read(lambda db: None)
        with pytest.raises(NoSuchAccount):
            await world.accounts.open("joe")

    world.run(work())
    assert client.is_sent_away
    assert not (world.live.data_dir / "accounts" / "joe").exists()


def test_stopping_sign_ins_ends_what_is_signed_in(world: World) -> None:
    client = Client()

    async def work() -> None:
        (await world.accounts.open("joe")).users.add(client)
        new = await world.server.sessions.create(Kind.ACCOUNT, "joe", remote="192.0.2.1", user_agent="")
        await removedaccounts.stop_sign_ins(world.holdings, "joe", "moved")
        assert await world.server.sessions.find(Kind.ACCOUNT, new.token) is None

    world.run(work())
    assert client.is_sent_away
    assert world.live.dynamic.accounts["joe"].login_disabled == "moved"


def test_what_something_needs_is_not_removed(world: World) -> None:
    with pytest.raises(Refusal, match="Postmaster"):
        world.run(remove_account(world.holdings, "jane"))
    with pytest.raises(Refusal, match="no account 'nobody'"):
        world.run(remove_account(world.holdings, "nobody"))
    assert text(world.live) == DOMAINS_CONF
    assert not list((world.live.data_dir / "removed").glob("*"))


def test_an_account_does_not_come_back_over_another(world: World) -> None:
    world.accounts.open_now("joe")
    removed = world.run(remove_account(world.holdings, "joe"))
    accounts.add_address(world.live, "joe@example.org", "jane")
    before = text(world.live)
    with pytest.raises(Exception, match="used already, by account"):
        world.run(restore_account(world.holdings, removed.id))
    assert text(world.live) == before
    assert (world.live.data_dir / "removed" / removed.id / "mail" / "index.db").exists()
    assert not (world.live.data_dir / "accounts" / "joe").exists()
    accounts.remove_address(world.live, "joe@example.org")
    accounts.add_account(world.live, "joe", "other@example.org")
    with pytest.raises(Refusal, match="an account 'joe' already"):
        world.run(restore_account(world.holdings, removed.id))


def test_mail_that_a_crash_left_in_place_is_found_again(world: World) -> None:
    world.accounts.open_now("joe")
    removed = world.run(remove_account(world.holdings, "joe"))
    home = world.live.data_dir / "accounts" / "joe"
    (world.live.data_dir / "removed" / removed.id / "mail").rename(home)
    with pytest.raises(Refusal, match="mail of an earlier account"):
        accounts.add_account(world.live, "joe", "joe@example.org")
    assert world.run(restore_account(world.holdings, removed.id)) == "joe"
    assert (home / "index.db").exists()


def test_erasing_is_for_good_and_for_removed_accounts_only(world: World) -> None:
    world.accounts.open_now("joe")
    removed = world.run(remove_account(world.holdings, "joe"))
    for wrong in ("../accounts/jane", "..", "", "jane-20260921T141320", f"{removed.id}/mail"):
        with pytest.raises(Refusal, match="no removed account"):
            erase_account(world.live.data_dir, wrong)
    assert erase_account(world.live.data_dir, removed.id) == "joe"
    with pytest.raises(Refusal, match="no removed account"):
        world.run(restore_account(world.holdings, removed.id))


async def rules_of_queue(queue: QueueDb) -> tuple[list[str], list[str]]:
    """The accounts that have suppressed addresses, and those with hold rules."""
    suppressed, held = await queue.suppressions.list(), await queue.hold_rules.all()
    return sorted(one.account for one in suppressed), sorted(one.account for one in held)


def test_erasing_takes_what_the_queue_knows_unless_the_name_is_used_again(world: World) -> None:
    async def work() -> None:
        elsewhere = parse_address("gone@there.example")
        for name in ("joe", "jane"):
            await world.queue.suppressions.add(name, elsewhere, "")
            await world.queue.hold_rules.add(HoldRule(account=name))
        first = await remove_account(world.holdings, "joe")
        assert await rules_of_queue(world.queue) == (["jane", "joe"], ["jane", "joe"])
        await asyncio.to_thread(accounts.add_account, world.live, "joe", "joe@example.org")
        assert await erase_removed(world.holdings, first.id) == "joe"
        assert await rules_of_queue(world.queue) == (["jane", "joe"], ["jane", "joe"])
        second = await remove_account(world.holdings, "joe")
        assert await erase_removed(world.holdings, second.id) == "joe"
        assert await rules_of_queue(world.queue) == (["jane"], ["jane"])

    world.run(work())


def version_with(world: World, name: str) -> int:
    history = world.live.history
    return next(one.number for one in history.list() if f"\t{name}:".encode() in history.text(one.number))


def test_an_earlier_version_of_the_configuration_finds_the_mail_of_its_accounts(world: World) -> None:
    world.accounts.open_now("joe").write_now(lambda tx: credentials.set_password(tx, "correct horse"))
    world.run(remove_account(world.holdings, "joe"))
    with pytest.raises(Conflict):
        world.run(restore_version(world.holdings, version_with(world, "joe"), "another digest"))
    assert len(removed_accounts(world.live.data_dir)) == 1
    assert not (world.live.data_dir / "accounts" / "joe").exists()
    world.run(restore_version(world.holdings, version_with(world, "joe"), world.live.shown().digest))
    assert text(world.live) == DOMAINS_CONF
    assert world.accounts.open_now("joe").read_now(credentials.load)
    assert removed_accounts(world.live.data_dir) == []


def test_an_earlier_version_without_an_account_sends_its_users_away(world: World) -> None:
    accounts.add_account(world.live, "zoe", "zoe@example.org")
    client = Client()

    async def work() -> None:
        (await world.accounts.open("zoe")).users.add(client)
        oldest = world.live.history.list()[-1].number
        await restore_version(world.holdings, oldest, world.live.shown().digest)

    world.run(work())
    assert client.is_sent_away
    assert text(world.live) == DOMAINS_CONF
    assert (world.live.data_dir / "accounts" / "zoe" / "index.db").exists()
