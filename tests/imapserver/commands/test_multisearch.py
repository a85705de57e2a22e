"""ESEARCH agrees with SELECT and SEARCH in every mailbox, and its scopes mean what RFC 7377 says."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from app.imapserver.commands import multisearch
from app.imapserver.mailboxscope import MailboxScope
from app.wire.imap.parse.mailboxfilter import FilterKind, MailboxFilter
from tests.imapserver.model.wire import Wire
from tests.imapserver.world import World

_FOUND = re.compile(rb'\* ESEARCH \(TAG "\w+" MAILBOX (\S+) UIDVALIDITY \d+\) UID ALL (\S+)')
KEYS = ("ALL", "UNSEEN", "SUBJECT red", 'TEXT "lue sk"', "OR FROM anna NOT BODY green", "2:3", "UID 2:*", "SMALLER 90")


async def fill(wire: Wire, chance: random.Random) -> list[str]:
    names = ["Inbox", "Sent", "a", "a/b", "a/c"]
    for name in ("a/b", "a/c"):
        await wire.command(f"CREATE {name}")
    for _ in range(40):
        words = " ".join(chance.choices(("red", "green", "blue", "sky"), k=3))
        letter = (
            f"From: {chance.choice(('anna', 'bert'))}@x\r\nSubject: {words}\r\n\r\n{words[::-1]} {words}\r\n".encode()
        )
        flags = chance.choice(("", "(\\Seen) "))
        await wire.command(f"APPEND {chance.choice(names)} {flags}{{{len(letter)}+}}", letter)
    return names


@pytest.mark.parametrize("group", [1, 3, 50])
def test_every_mailbox_answers_as_if_it_were_selected(group: int, world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(multisearch, "GROUP", group)

    async def talk() -> None:
        wire = Wire(world)
        await wire.sign_in()
        names = await fill(wire, random.Random(group))
        for key in KEYS:
            everywhere = {}
            reply = await wire.command(f"ESEARCH IN (personal) {key}")
            for line in reply.lines:
                found = _FOUND.fullmatch(line)
                assert found
                everywhere[found[1].decode()] = found[2]
            for name in names:
                await wire.command(f"EXAMINE {name}")
                alone = (await wire.command(f"UID SEARCH RETURN (ALL) {key}")).lines[-1]
                assert alone.partition(b" ALL ")[2] == everywhere.pop(name, b""), (name, key)
            assert not everywhere

    asyncio.run(talk())


def test_more_mailboxes_than_the_limit_are_refused(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(multisearch, "MAX_MAILBOXES", 3)
    world.run("C: b ESEARCH IN (personal) ALL\nS: /b NO \\[LIMIT\\] these are 6 .*/", signed_in=True)


@pytest.mark.parametrize(
    ("kind", "names", "meant"),
    [
        (FilterKind.PERSONAL, (), "Inbox Inbox/x a a/b a/b/c ab Sent"),
        (FilterKind.SUBSCRIBED, (), "Sent"),
        (FilterKind.INBOXES, (), "Inbox ab"),
        (FilterKind.SUBTREE, ("a",), "a a/b a/b/c"),
        (FilterKind.SUBTREE, ("INBOX", "//", ""), "Inbox Inbox/x"),
        (FilterKind.SUBTREE_ONE, ("a",), "a a/b"),
        (FilterKind.MAILBOXES, ("a", "iNBOX", "*"), "Inbox a"),
    ],
)
def test_filters(kind: FilterKind, names: tuple[str, ...], meant: str):
    scope = MailboxScope([MailboxFilter(kind, names)], {"Inbox", "ab"})
    every = ("Inbox", "Inbox/x", "a", "a/b", "a/b/c", "ab", "Sent")
    assert [name for name in every if scope.has(name, is_subscribed=name == "Sent")] == meant.split()
