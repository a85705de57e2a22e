"""Sessions of web pages: found by token only, lasting, limited, ended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store import passwords
from app.store.account import credentials
from app.store.account.credentials import Parameters
from app.store.account.handle import Account
from app.store.serverdb import ServerDb
from app.store.websessions import LASTING, Kind, NewSession, WebSession, file_seal
from tests.support.clock import SetClock

HOUR_S = 3600.0


class World:
    """A server database that is opened anew at will."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = SetClock()
        self.server = ServerDb.open(directory, self.clock)

    def reopen(self) -> None:
        self.server.close()
        self.server = ServerDb.open(self.directory, self.clock)

    def create(self, kind: Kind = Kind.ACCOUNT, account: str = "jane", user_agent: str = "Browser/1") -> NewSession:
        return asyncio.run(
            self.server.sessions.create(
                kind, account, login_address="jane@example.com", remote="192.0.2.1", user_agent=user_agent
            )
        )

    def find(self, token: str, kind: Kind = Kind.ACCOUNT) -> WebSession | None:
        return asyncio.run(self.server.sessions.find(kind, token))

    def ids(self, kind: Kind = Kind.ACCOUNT, account: str = "jane") -> list[int]:
        return [one.id for one in asyncio.run(self.server.sessions.list(kind, account))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.server.close()


@pytest.mark.parametrize("kind", list(Kind))
def test_a_session_is_found_by_its_token_also_after_a_restart(world, kind):
    made = world.create(kind)
    world.reopen()
    assert world.find(made.token, kind) == made.session
    assert made.session.login_address == "jane@example.com"


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "=", lambda t: "", lambda t: t * 100, str.swapcase])
def test_another_token_finds_nothing(world, change):
    made = world.create()
    assert world.find(change(made.token)) is None


def test_a_session_of_an_account_is_none_of_the_administrator(world):
    assert world.find(world.create(Kind.ACCOUNT).token, Kind.ADMIN) is None


def test_the_file_holds_no_token(world):
    made = world.create()
    world.server.close()
    with sqlite3.connect(world.directory / "server.db") as db:
        (row,) = db.execute("SELECT * FROM web_session").fetchall()
    assert made.token not in map(str, row)
    assert made.token.encode() not in (world.directory / "server.db").read_bytes()


@pytest.mark.parametrize(("kind", "hours"), [(Kind.ADMIN, 12), (Kind.ACCOUNT, 24)])
def test_a_session_lasts_from_its_last_use(world, kind, hours):
    token = world.create(kind).token
    world.clock.time += hours * HOUR_S - 1
    assert world.find(token, kind) is not None
    world.clock.time += hours * HOUR_S - 1
    assert world.find(token, kind) is not None
    world.clock.time += hours * HOUR_S
    assert world.find(token, kind) is None
    assert world.ids(kind) == []


def test_use_is_written_at_most_every_five_minutes(world):
    made = world.create()
    writes = []
    for _ in range(20):
        world.clock.time += 60
        found = world.find(made.token)
        writes.append(found.last_used)
    assert len(set(writes)) == 4  # minutes 0, 5, 10 and 15


@pytest.mark.parametrize("kind", list(Kind))
def test_the_session_not_used_for_longest_makes_room(world, kind):
    most = LASTING[kind].most
    made = []
    for _ in range(most):
        world.clock.time += 1
        made.append(world.create(kind))
    world.clock.time += 600
    assert world.find(made[0].token, kind) is not None  # used again
    other = world.create(kind, "other")
    made.append(world.create(kind))
    assert len(world.ids(kind)) == most
    assert world.find(made[1].token, kind) is None
    assert all(world.find(one.token, kind) for one in (made[0], made[2], made[-1], other))


def test_an_account_ends_only_its_own_sessions(world):
    jane, other, admin = world.create(), world.create(account="other"), world.create(Kind.ADMIN, "")
    for session_id in (other.session.id, admin.session.id, jane.session.id):
        asyncio.run(world.server.sessions.end(session_id, account="jane"))
    assert (world.ids(), world.ids(account="other"), world.ids(Kind.ADMIN, "")) == (
        [],
        [other.session.id],
        [admin.session.id],
    )


def test_a_new_password_ends_all_sessions_but_the_own(world, tmp_path):
    weak = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)
    own, other = world.create(), world.create()
    stranger = world.create(account="other")
    account = Account("jane", tmp_path / "jane", clock=world.clock)
    new = credentials.derive("correct horse", weak)
    asyncio.run(passwords.replace(account, world.server.sessions, new, but=own.session.id))
    assert account.read_now(credentials.load).argon2id == new.argon2id
    account.close()
    assert world.find(own.token)
    assert world.find(stranger.token)
    assert world.find(other.token) is None


def test_the_administrators_sessions_end_when_the_password_file_changes(world, tmp_path):
    path = tmp_path / "adminpasswd"
    path.write_text("old")
    world.server.sessions.admin_seal = file_seal(path)
    admin, jane = world.create(Kind.ADMIN, ""), world.create()
    assert world.find(admin.token, Kind.ADMIN)
    path.write_text("new")
    assert world.find(admin.token, Kind.ADMIN) is None
    assert world.ids(Kind.ADMIN, "") == []
    assert world.find(jane.token)


def test_what_a_browser_says_of_itself_is_kept_short_and_printable(world):
    made = world.create(user_agent="a\x1b[31m\r\n\udc80" + "x" * 10_000)
    assert made.session.user_agent.startswith("a?[31m???xxx")
    assert len(made.session.user_agent) == 200


def test_another_process_reads_while_the_server_runs_and_what_it_ends_is_ended(world):
    made = world.create()
    other = ServerDb.open(world.directory, world.clock)
    assert asyncio.run(other.sessions.find(Kind.ACCOUNT, made.token)) == made.session
    other.sessions.end_all_now(Kind.ACCOUNT, "jane")
    other.close()
    assert world.find(made.token) is None
