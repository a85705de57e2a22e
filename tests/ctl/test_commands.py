from __future__ import annotations

import asyncio
import ipaddress

import pytest

from app.ctl.protocol import ControlError
from app.log import SETTINGS, Level
from app.store.account.credentials import load, verify_password
from app.store.signin import SignInAttempt, SignInContext
from app.store.websessions import Kind
from tests.support.control import ControlWorld


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(SETTINGS, "write", lambda line: None)
    monkeypatch.setattr(SETTINGS, "default", Level.INFO)
    monkeypatch.setattr(SETTINGS, "packages", {})


@pytest.fixture
def world(tmp_path):
    world = ControlWorld(tmp_path)
    yield world
    world.accounts.close()


def test_password_is_set_in_the_open_account(world):
    world.run_with_client(
        lambda client: client.call("setaccountpassword", {"account": "jane", "password": "new password"})
    )
    found = world.accounts.open_now("jane").read_now(load)
    assert found
    assert verify_password(found.argon2id, "new password")


def test_a_new_password_ends_the_web_sessions_of_the_account(world):
    sessions = world.server_db.sessions
    made = [
        asyncio.run(sessions.create(Kind.ACCOUNT, name, remote="192.0.2.1", user_agent="")) for name in ("jane", "zoe")
    ]

    def talk(client):
        client.call("setaccountpassword", {"account": "jane", "password": "new password"})
        return [asyncio.run(sessions.find(Kind.ACCOUNT, one.token)) for one in made]

    assert world.run_with_client(talk) == [None, made[1].session]


def test_attempts_to_sign_in_are_listed(world):
    context = SignInContext(protocol="imap", remote=ipaddress.ip_address("192.0.2.1"), tls=None)
    for result, account in (("badcreds", "jane"), ("ok", "jane"), ("badcreds", "")):
        world.server_db.attempts.record(
            SignInAttempt(
                context=context, mechanism="PLAIN", login_address="x\x1b", account_name=account, result=result
            )
        )

    def talk(client):
        rows = client.call("loginattempts", {"account": "jane", "failed": True})
        return rows, len(client.call("loginattempts", {})), len(client.call("loginattempts", {"limit": -5}))

    rows, everything, none = world.run_with_client(talk)
    assert [(row["result"], row["count"], row["remote"], row["account"]) for row in rows] == [
        ("badpassword", 1, "192.0.2.1", "jane")
    ]
    assert (everything, none) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"account": "none", "password": "new password"}, "no account 'none'"),
        ({"account": "jane", "password": "short"}, "too short"),
    ],
)
def test_password_that_cannot_be_set_says_why(world, arguments, words):
    def talk(client):
        with pytest.raises(ControlError, match=words):
            client.call("setaccountpassword", arguments)

    world.run_with_client(talk)


def test_log_levels_are_set_and_cleared(world):
    def talk(client):
        client.call("setloglevels", {"level": "debug"})
        client.call("setloglevels", {"level": "trace", "package": "queue"})
        first = client.call("loglevels")
        client.call("setloglevels", {"level": "", "package": "queue"})
        with pytest.raises(ControlError, match="unknown log level"):
            client.call("setloglevels", {"level": "loud"})
        return first, client.call("loglevels")

    assert world.run_with_client(talk) == ({"": "debug", "queue": "trace"}, {"": "debug"})


def test_queue_is_listed_and_changed_by_filter(world):
    def talk(client):
        rows = client.call("queuelist", {"oldest_first": True})
        assert [(row["from"], row["to"]) for row in rows] == [
            ("jane@example.com", "one@example.org"),
            ("jane@example.com", "two@example.net"),
        ]
        first = rows[0]["id"]
        assert client.call("queueholdset", {"ids": [first], "set": True}) == 1
        assert [row["id"] for row in client.call("queuelist", {"hold": True})] == [first]
        assert client.call("queueschedule", {"to": "@example.net", "when": 2e9}) == 1
        assert client.call("queueschedule", {"to": "@example.net", "by": 60}) == 1
        assert client.call("queuelist", {"next_after": 2e9})[0]["next"] == 2e9 + 60
        with pytest.raises(ControlError, match="no transport"):
            client.call("queuetransport", {"name": "none"})
        pieces = []
        client.call("queuedump", {"id": first}, output=pieces.append)
        assert b"".join(pieces) == b"Received: by us\r\nSubject: hi\r\n\r\nbody\r\n"
        assert client.call("queuedrop", {"ids": [first]}) == 1
        assert client.call("queuefail", {}) == 1
        return client.call("queuelist", {})

    [left] = world.run_with_client(talk)
    assert left["to"] == "two@example.net"


def test_stop_is_passed_on_and_the_client_sees_the_end(world):
    def talk(client):
        client.call("stop")
        return world.stopped

    assert world.run_with_client(talk)
