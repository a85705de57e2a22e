from __future__ import annotations

import pytest

from app.ctl.protocol import ControlError
from app.log import SETTINGS, Level
from app.store.account.credentials import load, verify_password
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
