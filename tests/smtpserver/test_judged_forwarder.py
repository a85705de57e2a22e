"""What a forwarder has sealed (ARC) counts for recipients who have a rule for that forwarder, and for nobody else."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.store.account import provenance
from tests.smtpserver.judgedworld import JudgedWorld
from tests.support.dialog import Service
from tests.trust.test_arc import KEY, seal

MESSAGE = b"From: ann@strict.example\r\nTo: jane@example.com\r\nSubject: hello\r\n\r\nHello, with a line more.\r\n"
PASSED = b"spf=pass smtp.mailfrom=ann@strict.example; dmarc=pass header.from=strict.example"
KEYS = {f"s._domainkey.{name}": {"TXT": [KEY.record()]} for name in ("list.example", "quiet.example")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[JudgedWorld]:
    made = JudgedWorld(tmp_path, KEYS)
    yield made
    made.close()


def send(world: JudgedWorld, message: bytes, to: str, sender: str) -> int:
    """The code of the reply to the message; `to` may be several addresses."""
    codes: list[int] = []

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="one.hoster.example") as smtp:
            smtp.ehlo()
            smtp.mail(sender)
            for address in to.split():
                assert smtp.rcpt(address)[0] == 250
            codes.append(smtp.data(message)[0])

    async def work(places: Mapping[str, Service]) -> None:
        await asyncio.to_thread(client, places["smtp"].port)

    world.run_with(work)
    return codes[0]


def sealed(seen: bytes = PASSED, by: str = "list.example") -> bytes:
    return seal(MESSAGE, 1, by, seen=seen)


def test_a_forwarder_of_the_recipient_vouches_for_the_author(world: JudgedWorld) -> None:
    assert send(world, MESSAGE, "verified@example.com", "forward@list.example") == 550
    assert send(world, sealed(), "verified@example.com", "forward@list.example") == 250
    (stored,) = world.messages("jane", "Forwarded")
    assert b"arc=pass" in stored
    came, _ = world.jane.read_now(lambda db: provenance.newest_came(db, 2))
    assert "it saw the message pass for its author" in came.told.trace
    assert came.mailbox == "Forwarded"


def test_a_list_of_the_recipient_vouches_for_an_author_whose_domain_wants_refusal(world: JudgedWorld) -> None:
    assert send(world, MESSAGE, "lists@example.com", "post@list.example") == 550
    assert send(world, sealed(), "lists@example.com", "post@list.example") == 250


def test_a_forwarder_that_the_recipient_does_not_name_vouches_for_nobody(world: JudgedWorld) -> None:
    assert send(world, sealed(), "jane@example.com", "post@list.example") == 550
    assert send(world, sealed(by="quiet.example"), "lists@example.com", "post@quiet.example") == 550


def test_what_one_recipient_trusts_lets_nothing_in_to_another(world: JudgedWorld) -> None:
    assert send(world, sealed(), "lists@example.com joe@example.com", "post@list.example") == 550
    assert world.messages("joe") == []


@pytest.mark.parametrize(
    "message",
    [
        sealed(b"spf=pass smtp.mailfrom=ann@strict.example; dmarc=fail header.from=strict.example"),
        sealed(b"dmarc=pass header.from=bank.example"),
        sealed().replace(b"a line more", b"two lines more"),
        sealed().replace(b"dmarc=pass", b"dmarc=Pass"),
        seal(sealed(), 2, "quiet.example", seen=b"dmarc=pass header.from=strict.example"),
    ],
    ids=[
        "it saw it fail",
        "it saw another author",
        "changed since",
        "its words were changed",
        "sealed by another since",
    ],
)
def test_what_was_sealed_must_hold(world: JudgedWorld, message: bytes) -> None:
    assert send(world, message, "lists@example.com", "post@list.example") == 550
