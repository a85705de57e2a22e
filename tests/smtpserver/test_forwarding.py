"""Mail that goes on to addresses elsewhere, and notices that come back about it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import smtplib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.smtpserver.local import LocalMessage, deliver
from app.store.account import forwards, preferences
from app.store.account.forwards import Answer
from app.store.account.preferences import Preference
from app.store.queuerecords import Queued, QueueFilter
from app.store.serverdb import ServerDb
from app.wire.smtp.address import parse_address
from tests.smtpserver.judgedworld import JudgedWorld
from tests.smtpserver.world import NOW
from tests.support.clock import SetClock
from tests.support.dialog import Service

SENDER = "ann@sender.example"
ELSEWHERE = "me@elsewhere.example"
MESSAGE = b"From: ann@sender.example\r\nTo: jane@example.com\r\nSubject: hello\r\n\r\nHello, J\xc3\xbcrgen.\r\n"


class ForwardingWorld(JudgedWorld):
    """With the secret of return addresses."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.server = ServerDb.open(directory / "data", SetClock(NOW))
        self.resources = dataclasses.replace(self.resources, returns=self.server.returns)

    def close(self) -> None:
        self.server.close()
        super().close()

    def forward(self, *targets: str, only: bool = False, account: str = "jane", address: str = "") -> None:
        """Set where mail of an account goes on to, as the page does."""
        destination = address or f"{account}@example.com"

        async def add() -> None:
            opened = await self.accounts.open(account)
            for target in targets:
                code = await forwards.add(opened, destination, target)
                number = next(one.id for one in await opened.read(forwards.targets) if one.address == target)
                assert await forwards.confirm(opened, number, f" {code.upper()} ") is Answer.RIGHT
            await forwards.set_copy(opened, destination, keeps=not only)

        asyncio.run(add())

    def send(self, to: str, sender: str = SENDER, message: bytes = MESSAGE) -> tuple[int, str]:
        """Send it as another server does; the last reply."""

        def client(port: int) -> tuple[int, bytes]:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="one.hoster.example") as smtp:
                smtp.ehlo()
                smtp.mail(sender)
                answer = smtp.rcpt(to)
                return answer if answer[0] != 250 else smtp.data(message)

        replies: list[tuple[int, bytes]] = []

        async def work(places: Mapping[str, Service]) -> None:
            replies.append(await asyncio.to_thread(client, places["smtp"].port))

        self.run_with(work)
        return replies[0][0], replies[0][1].decode()

    def queued(self) -> list[tuple[Queued, bytes, bytes]]:
        """Every recipient in the queue with prefix and body."""

        async def look() -> list[tuple[Queued, bytes, bytes]]:
            found = []
            for row in await self.queue.find(QueueFilter()):
                content = await self.queue.content(row.base_id)
                found.append((row, content.prefix, bytes(content.body)))
            return found

        return asyncio.run(look())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ForwardingWorld]:
    made = ForwardingWorld(tmp_path)
    yield made
    made.close()


def test_it_goes_on_with_every_byte_and_a_return_address_of_ours(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE)
    assert world.send("jane+tag@example.com")[0] == 250
    ((row, prefix, body),) = world.queued()
    assert str(row.recipient) == ELSEWHERE
    assert re.fullmatch(r"SRS0=\w{8}=\w{2}=sender\.example=ann@example\.com", str(row.reverse_path))
    assert (row.sender_account, row.forwarded_for, row.has_copy) == ("jane", "jane@example.com", True)
    assert row.has_8bit
    assert body == MESSAGE
    assert prefix.startswith(b"Delivered-To: jane+tag@example.com\r\nAuthentication-Results: ")
    assert b"Return-Path" not in prefix
    assert b"\r\nReceived: from one.hoster.example" in prefix
    assert len(world.messages("jane", "Inbox")) == 1, "a copy stays"


def test_without_a_copy_nothing_stays(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE, "second@elsewhere.example", only=True)
    assert world.send("jane@example.com")[0] == 250
    assert [str(row.recipient) for row, *_ in world.queued()] == [ELSEWHERE, "second@elsewhere.example"]
    assert {row.has_copy for row, *_ in world.queued()} == {False}
    assert world.messages("jane", "Inbox") == []


def test_only_the_address_it_is_set_for_forwards(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE, only=True, address="lists@example.com")
    assert world.send("jane@example.com")[0] == 250
    assert world.queued() == []
    assert len(world.messages("jane", "Inbox")) == 1


def test_a_target_that_is_not_confirmed_gets_nothing(world: ForwardingWorld) -> None:
    asyncio.run(forwards.add(world.jane, "jane@example.com", ELSEWHERE))
    assert world.send("jane@example.com")[0] == 250
    assert world.queued() == []


def test_an_address_that_became_ours_since_gets_nothing(world: ForwardingWorld) -> None:
    world.forward("joe@example.com", only=True)
    assert world.send("jane@example.com")[0] == 250
    assert world.queued() == []
    assert len(world.messages("jane", "Inbox")) == 1


def test_a_circle_ends_here(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE, only=True)
    assert world.send("jane@example.com", message=b"Delivered-To: Jane@Example.com\r\n" + MESSAGE)[0] == 250
    assert world.queued() == []
    assert len(world.messages("jane", "Inbox")) == 1


def test_junk_stays_here(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE, only=True)
    asyncio.run(world.jane.write(lambda tx: preferences.choose(tx, Preference.QUARANTINE_TO_JUNK, on=True)))
    message = MESSAGE.replace(b"sender.example", b"wary.example")
    assert world.send("jane@example.com", sender="ann@wary.example", message=message)[0] == 250
    assert world.queued() == []
    assert len(world.messages("jane", "Junk")) == 1


def test_what_is_refused_goes_nowhere(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE, only=True)
    message = MESSAGE.replace(b"sender.example", b"strict.example")
    assert world.send("jane@example.com", sender="ann@strict.example", message=message)[0] == 550
    assert world.queued() == []


def test_every_member_of_an_alias_forwards_for_itself(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE)
    assert world.send("team@example.com")[0] == 250
    ((row, prefix, _),) = world.queued()
    assert row.forwarded_for == "jane@example.com"
    assert prefix.startswith(b"Delivered-To: team@example.com\r\n")
    assert len(world.messages("joe", "Inbox")) == 1


def test_mail_of_our_own_domain_keeps_its_sender(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE)
    message = LocalMessage(
        reverse_path=parse_address("joe@example.com"),
        recipient=parse_address("jane@example.com"),
        prefix=b"",
        data=MESSAGE.replace(b"ann@sender.example", b"joe@example.com"),
    )
    assert asyncio.run(deliver(world.resources, message)).code == 250
    ((row, _, _),) = world.queued()
    assert str(row.reverse_path) == "joe@example.com"


LONG = f"bounces+12345-{'x' * 40}=y@sender.example"


@pytest.mark.parametrize("sender", [SENDER, LONG])
def test_a_notice_comes_back_to_the_sender(world: ForwardingWorld, sender: str) -> None:
    world.forward(ELSEWHERE)
    assert world.send("jane@example.com", sender=sender)[0] == 250
    ((forwarded, *_),) = world.queued()
    path = str(forwarded.reverse_path)
    assert len(path.partition("@")[0]) <= 64
    notice = b"From: postmaster@elsewhere.example\r\nSubject: Undelivered\r\n\r\nIt did not arrive.\r\n"
    for case in (path, path.lower()):
        assert world.send(case, sender="", message=notice)[0] == 250
    (_, (row, prefix, body), _) = world.queued()
    assert (str(row.recipient), str(row.reverse_path), row.is_dsn) == (sender, "", True)
    assert body == notice
    assert prefix.count(b"Received: ") == 1


def test_a_return_address_takes_nothing_else(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE)
    world.send("jane@example.com")
    ((forwarded, *_),) = world.queued()
    path = str(forwarded.reverse_path)
    assert world.send(path)[0] == 550, "it is no mailbox"
    for forged in (
        path.replace("ann@", "bob@"),
        "SRS0=aaaaaaaa=aa=sender.example=ann@example.com",
        "srs1=x@example.com",
    ):
        code, words = world.send(forged, sender="")
        assert (code, "no return address" in words) == (550, True)
    assert len(world.queued()) == 1


def test_a_null_path_stays_null(world: ForwardingWorld) -> None:
    world.forward(ELSEWHERE)
    notice = MESSAGE.replace(b"sender.example", b"plain.example")
    assert world.send("jane@example.com", sender="", message=notice)[0] == 250
    ((row, *_),) = world.queued()
    assert str(row.reverse_path) == ""


def test_a_code_is_no_good_after_some_wrong_ones(world: ForwardingWorld) -> None:
    async def check() -> None:
        code = await forwards.add(world.jane, "jane@example.com", ELSEWHERE)
        (target,) = await world.jane.read(forwards.targets)
        for _ in range(forwards.MAX_TRIES):
            assert await forwards.confirm(world.jane, target.id, "wrong") is Answer.WRONG
        assert await forwards.confirm(world.jane, target.id, code) is Answer.OVER
        code = await forwards.add(world.jane, "jane@example.com", ELSEWHERE)
        assert await forwards.confirm(world.jane, target.id, code) is Answer.RIGHT
        assert await forwards.confirm(world.jane, target.id, code) is Answer.OVER

    asyncio.run(check())
