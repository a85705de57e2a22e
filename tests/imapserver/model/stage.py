"""Where a walk takes place: the server, the clients, and the reference beside them."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from app.store.account import mailboxes
from tests.imapserver.model.account import INBOX, Mailbox, Reference, canonical
from tests.imapserver.model.client import Client
from tests.imapserver.model.wire import Reply, Wire
from tests.imapserver.world import World

NAMES = (INBOX, INBOX, INBOX, "Archive", "Archive", "Work", "Work/2026", "Work/2026/May", "Old", "inbox/Sub")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "one", "two")
BODY = b"Subject: hello\r\n\r\nwords\r\n"
MANY = 40  # messages; then fewer are added


class Stage:
    """The server, the clients and the reference."""

    def __init__(self, directory: Path, clients: int = 4) -> None:
        self.world = World(directory)
        self.reference = self._read_reference()
        self.clients: list[Client] = []
        self._client_count = clients
        self.dice = random.Random()
        self.history: list[str] = []

    def _read_reference(self) -> Reference:
        def read(db: sqlite3.Connection) -> Reference:
            state = db.execute("SELECT modseq, next_uidvalidity FROM account_state").fetchone()
            reference = Reference(modseq=state[0], next_uidvalidity=state[1], subscriptions=mailboxes.subscriptions(db))
            for one in mailboxes.all_mailboxes(db):
                reference.mailboxes[one.name] = Mailbox(one.name, one.uidvalidity, one.modseq, one.uidnext)
            return reference

        return self.world.jane.read_now(read)

    async def connect(self) -> Wire:
        wire = Wire(self.world)
        await wire.sign_in()
        return wire

    async def come_back(self, client: Client) -> None:
        client.leave()
        client.enabled.clear()
        client.idle_tag = b""
        client.wire = await self.connect()

    async def say(self, client: Client, text: str, literal: bytes | None = None) -> Reply:
        self.history.append(f"{self.clients.index(client)} C: {text}")
        reply = await client.wire.command(text, literal)
        self.history.append(f"{self.clients.index(client)} S: {reply}")
        return reply

    def some_name(self) -> str:
        return self.dice.choice(NAMES)

    def find(self, name: str) -> Mailbox | None:
        return self.reference.mailboxes.get(canonical(name))

    def some_flags(self) -> frozenset[str]:
        return frozenset(self.dice.sample(FLAGS, self.dice.randrange(4)))


def expect(reply: Reply, status: str, code: str | None = None) -> None:
    """Fail when a command ended in another way."""
    assert reply.status == status, reply
    assert code is None or reply.code == code, f"{reply}: {code!r} expected"
