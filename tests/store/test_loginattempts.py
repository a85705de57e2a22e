"""Attempts to sign in: folded, bounded, never in the way, and never a password."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store import loginattempts
from app.store.loginattempts import KEPT_S, LoginAttempt, LoginAttempts
from app.store.serverdb import ServerDb
from app.store.signin import FailureKind, SignInAttempt, SignInContext
from tests.support.clock import SetClock


def told(result: str = "ok", address: str = "jane@example.com", account: str = "jane", **more: str) -> SignInAttempt:
    context = SignInContext(
        protocol=more.get("protocol", "imap"),
        remote=ipaddress.ip_address(more.get("remote", "192.0.2.1")),
        tls=None,
        local=ipaddress.ip_address("2001:db8::1"),
        tls_name="TLSv1.3 TLS_AES_128_GCM_SHA256",
        user_agent=more.get("user_agent", ""),
    )
    mechanism = more.get("mechanism", "PLAIN")
    return SignInAttempt(
        context=context, mechanism=mechanism, login_address=address, account_name=account, result=result
    )


class World:
    """A server database and its clock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = SetClock()
        self.server = ServerDb.open(directory, self.clock)

    @property
    def attempts(self) -> LoginAttempts:
        return self.server.attempts

    def list(self, account: str | None = None, limit: int = 100, only_failed: bool = False) -> list[LoginAttempt]:
        return list(asyncio.run(self.attempts.list(account, limit, only_failed=only_failed)))

    def reopen(self) -> None:
        self.server.close()
        self.server = ServerDb.open(self.directory, self.clock)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.server.close()


def test_equal_attempts_are_one_row_with_a_count_also_over_writes_and_restarts(world):
    start = world.clock.time
    for number in range(30):
        world.attempts.record(told())
        world.clock.time += 1
        if number == 10:
            world.list()
        if number == 20:
            world.reopen()
    (row,) = world.list()
    assert (row.count, row.first, row.last) == (30, start, start + 29)
    assert (row.account, row.login_address, row.remote, row.local) == (
        "jane",
        "jane@example.com",
        "192.0.2.1",
        "2001:db8::1",
    )
    assert (row.tls, row.protocol, row.mechanism) == ("TLSv1.3 TLS_AES_128_GCM_SHA256", "imap", "plain")


def test_the_newest_come_first_and_failures_can_be_asked_alone(world):
    for remote, result in (("192.0.2.1", "ok"), ("192.0.2.2", "badcreds"), ("192.0.2.3", "ok"), ("192.0.2.1", "ok")):
        world.attempts.record(told(result, remote=remote))
        world.clock.time += 1
    world.attempts.record(told(account="other"))
    assert [row.remote[-1] for row in world.list("jane")] == ["1", "3", "2"]
    assert [row.remote[-1] for row in world.list("jane", 2)] == ["1", "3"]
    assert [row.result for row in world.list(None, only_failed=True)] == ["badpassword"]
    assert world.list()[0].account == "other"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("nobody@example.com", "nobody@example.com"),
        (" nobody@mail.example.com ", "nobody@mail.example.com"),
        ("correct horse", ""),
        ("hunter2", ""),
        ("p@ssw0rd", ""),
        ("S3cr@t.99", ""),
        ("a b@example.com", ""),
        ("x" * 65 + "@example.com", ""),
        ("x@" + "a." * 500 + "com", ""),
        ("x@example.com\r\n", "x@example.com"),
        ("x@exa\x1bmple.com", ""),
        ("@example.com", ""),
    ],
)
def test_what_an_unknown_user_typed_is_kept_only_when_it_is_an_address(world, typed, kept):
    world.attempts.record(told("badcreds", typed, ""))
    (row,) = world.list("-")
    assert row.login_address == kept
    if not kept:
        world.server.close()
        assert all(typed.encode() not in path.read_bytes() for path in world.directory.iterdir() if path.is_file())


@pytest.mark.parametrize(
    ("result", "account", "mechanism", "shown"),
    [
        ("ok", "jane", "PLAIN", "ok"),
        ("badcreds", "jane", "PLAIN", "badpassword"),
        ("badcreds", "", "LOGIN", "baduser"),
        ("badcreds", "(admin)", "webform", "badpassword"),
        ("badcreds", "", "SCRAM-SHA-256", "badcreds"),
        ("badchanbind", "jane", "SCRAM-SHA-256-PLUS", "badchanbind"),
        ("needstls", "", "other", "badprotocol"),
    ],
)
def test_the_words_of_results(world, result, account, mechanism, shown):
    world.attempts.record(told(result, account=account, mechanism=mechanism))
    assert [row.result for row in world.list()] == [shown]


def test_every_failure_has_a_word():
    words = {loginattempts.attempt_of(told(kind.value)).result for kind in FailureKind}
    assert words <= {"badpassword", "badchanbind", "badprotocol", "logindisabled", "ratelimited", "error", "aborted"}


def test_attempts_go_after_thirty_days(world):
    world.attempts.record(told(remote="192.0.2.1"))
    world.clock.time += 10
    world.attempts.record(told(remote="192.0.2.2"))
    world.list()
    world.clock.time += KEPT_S - 10
    assert [row.remote for row in world.list()] == ["192.0.2.2"]
    world.clock.time += 10
    assert world.list() == []
    world.attempts.record(told(remote="192.0.2.3"))
    assert len(world.list()) == 1
    with sqlite3.connect(world.directory / "server.db") as db:
        assert db.execute("SELECT count(*) FROM login_attempt").fetchone() == (1,)


def test_of_an_account_only_so_many_failures_are_kept_and_successes_stay(world, monkeypatch):
    monkeypatch.setattr(loginattempts, "MAX_FAILED", 5)
    world.attempts.record(told())
    world.attempts.record(told("badcreds", account="other"))
    for number in range(12):
        world.clock.time += 1
        world.attempts.record(told("badcreds", remote=f"192.0.2.{number}"))
    world.list()
    assert [row.remote for row in world.list("jane", only_failed=True)] == [f"192.0.2.{n}" for n in (11, 10, 9, 8, 7)]
    assert len(world.list("jane")) == 6
    assert len(world.list("other")) == 1


def test_memory_is_bounded_between_writes(world, monkeypatch):
    monkeypatch.setattr(loginattempts, "MAX_PENDING", 10)
    for number in range(100):
        world.attempts.record(told("badcreds", remote=f"192.0.2.{number}"))
    world.attempts.record(told("badcreds", remote="192.0.2.3"))
    rows = world.list()
    assert len(rows) == 10
    assert {row.remote: row.count for row in rows}["192.0.2.3"] == 2


def test_what_is_recorded_on_an_event_loop_is_written_by_itself(world, monkeypatch):
    monkeypatch.setattr(loginattempts, "WRITE_INTERVAL_S", 0.0)
    world.reopen()

    async def record() -> int:
        world.attempts.record(told())
        for _ in range(10_000):
            if found := await world.server.db.read(lambda db: db.execute("SELECT count FROM login_attempt").fetchone()):
                return int(found[0])
        return 0

    assert asyncio.run(record()) == 1


def test_a_write_that_fails_is_made_up_for(world):
    world.server.db.write_now(lambda db: db.execute("PRAGMA busy_timeout=0"))
    lock = sqlite3.connect(world.directory / "server.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    world.attempts.record(told())
    asyncio.run(world.attempts.flush())
    lock.execute("ROLLBACK")
    lock.close()
    world.attempts.record(told())
    assert [row.count for row in world.list()] == [2]


def test_after_closing_nothing_is_recorded_and_nothing_raises(world):
    world.server.close()
    world.attempts.record(told())
    world.server.close()


def test_text_that_is_no_text_is_recorded_all_the_same(world):
    world.attempts.record(told(user_agent="\udc80\x00<script>" + "x" * 1000))
    (row,) = world.list()
    assert row.user_agent.startswith("??<script>x")
    assert len(row.user_agent) == 200


CHILD = """
import asyncio, sys
from pathlib import Path
from app.store.serverdb import ServerDb
from tests.store.test_loginattempts import told
server = ServerDb.open(Path(sys.argv[1]))
async def run():
    number = 0
    while True:
        number += 1
        server.attempts.record(told(remote=str(__import__("ipaddress").ip_address(number))))
        await server.attempts.flush()
        print(number, flush=True)
asyncio.run(run())
"""


def test_what_was_written_survives_kill(tmp_path):
    with subprocess.Popen([sys.executable, "-c", CHILD, tmp_path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = 0
        while last < 20:
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        last = int(([str(last)] + [line for line in child.stdout.read().split("\n") if line])[-1])
    server = ServerDb.open(tmp_path)
    rows = asyncio.run(server.attempts.list(None, 100_000))
    server.close()
    assert {row.remote for row in rows} >= {str(ipaddress.ip_address(number)) for number in range(1, last + 1)}
