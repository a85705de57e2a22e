from __future__ import annotations

import asyncio

import pytest

from app.ctl.client import connect
from app.ctl.commands import Controlled, operations
from app.ctl.protocol import ControlError
from app.ctl.server import ControlServer
from app.log import SETTINGS, Level
from app.store.account.credentials import load, verify_password
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.wire.smtp.address import parse_address
from tests.support.configuration import small_live


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(SETTINGS, "write", lambda line: None)
    monkeypatch.setattr(SETTINGS, "default", Level.INFO)
    monkeypatch.setattr(SETTINGS, "packages", {})


class World:
    """A control server over a small configuration, with two messages in the queue."""

    def __init__(self, directory) -> None:
        self.live = small_live(directory)
        self.accounts = Accounts(self.live.data_dir)
        self.queue = QueueDb.open(self.live.data_dir)
        self.stopped = False
        controlled = Controlled(live=self.live, accounts=self.accounts, queue=self.queue, stop=self.stop)
        self.server = ControlServer(self.live.data_dir, operations(controlled))

    def stop(self) -> None:
        self.stopped = True

    def run(self, talk):
        async def together():
            for recipient in ("one@example.org", "two@example.net"):
                await self.queue.add(
                    NewMessage(
                        sender_account="jane",
                        reverse_path=parse_address("jane@example.com"),
                        recipients=(NewRecipient(path=parse_address(recipient)),),
                        body=Body.of(b"Subject: hi\r\n\r\nbody\r\n"),
                        prefix=b"Received: by us\r\n",
                    )
                )
            await self.server.start()
            try:
                return await asyncio.to_thread(self.talk, talk)
            finally:
                await self.server.close()

        try:
            return asyncio.run(together())
        finally:
            self.queue.close()

    def talk(self, talk):
        with connect(self.live.data_dir) as client:
            return talk(client)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.accounts.close()


def test_password_is_set_in_the_open_account(world):
    world.run(lambda client: client.call("setaccountpassword", {"account": "jane", "password": "new password"}))
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

    world.run(talk)


def test_log_levels_are_set_and_cleared(world):
    def talk(client):
        client.call("setloglevels", {"level": "debug"})
        client.call("setloglevels", {"level": "trace", "package": "queue"})
        first = client.call("loglevels")
        client.call("setloglevels", {"level": "", "package": "queue"})
        with pytest.raises(ControlError, match="unknown log level"):
            client.call("setloglevels", {"level": "loud"})
        return first, client.call("loglevels")

    assert world.run(talk) == ({"": "debug", "queue": "trace"}, {"": "debug"})


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

    [left] = world.run(talk)
    assert left["to"] == "two@example.net"


def test_stop_is_passed_on_and_the_client_sees_the_end(world):
    def talk(client):
        client.call("stop")
        return world.stopped

    assert world.run(talk)
