"""Mail that rules put into other mailboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.smtpserver import local, sorting
from app.wire.domain import Domain
from app.wire.smtp.address import NULL_PATH, Address
from tests.smtpserver.test_incoming import send
from tests.smtpserver.world import DOMAINS_CONF, World

RULES = """\
				Rulesets:
					-
						HeadersRegexp:
							^list-id$: <devel\\.lists\\.example>
						Mailbox: Lists/Devel
					-
						SMTPMailFromRegexp: ^bounce@
						Mailbox: Bounces
					-
						HeadersRegexp:
							^delivered-to$: ^jane\\+shop@
						Mailbox: Shop
					-
						VerifiedDomain: example.com
						Mailbox: Ours
"""
LIST_MESSAGE = b"From: a@example.org\r\nList-Id: Devel <devel.lists.example>\r\n\r\nhello\r\n"
OTHER_MESSAGE = b"From: a@example.org\r\n\r\nhello\r\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(
        tmp_path, domains_conf=DOMAINS_CONF.replace("jane@example.com: nil", "jane@example.com:\n" + RULES.rstrip())
    )
    yield world
    world.close()


@pytest.mark.parametrize(
    ("recipient", "sender", "message", "mailbox"),
    [
        ("jane@example.com", "a@example.org", LIST_MESSAGE, "Lists/Devel"),
        ("team@example.com", "bounce@example.org", LIST_MESSAGE, "Lists/Devel"),  # the first rule counts; an alias
        ("jane@example.com", "bounce@example.org", OTHER_MESSAGE, "Bounces"),
        ("jane+shop@example.com", "a@example.org", OTHER_MESSAGE, "Shop"),
        ("jane@example.com", "a@example.com", OTHER_MESSAGE, "Inbox"),  # from outside nobody is verified yet
        ("lists@example.com", "bounce@example.org", LIST_MESSAGE, "Lists"),  # the rules are of another address
    ],
)
def test_where_rules_put_a_message(world: World, recipient: str, sender: str, message: bytes, mailbox: str) -> None:
    send(world, [recipient], message, sender=sender)
    (stored,) = world.messages("jane", mailbox)
    assert stored.endswith(message)


def test_rules_of_many_steps_run_beside_the_event_loop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "QUICK_STEPS", 0)
    send(world, ["jane@example.com"], LIST_MESSAGE)
    assert len(world.messages("jane", "Lists/Devel")) == 1


def test_mail_of_our_own_users_is_verified(world: World) -> None:
    message = local.LocalMessage(
        reverse_path=NULL_PATH,
        recipient=Address("jane", Domain("example.com")),
        prefix=b"",
        data=b"From: joe@example.com\r\n\r\nhello\r\n",
    )
    reply = asyncio.run(local.deliver(world.resources, message))
    assert reply.code == 250
    assert len(world.messages("jane", "Ours")) == 1
