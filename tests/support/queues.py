"""A queue with everything real around it but the clock: configuration, accounts, DNS, servers on loopback."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.config.live import Live
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.queue.dispatcher import Dispatcher
from app.queue.inbox import Inbox
from app.queue.setup import Local, Setup
from app.smtpserver.conversation import Resources
from app.smtpserver.local import LocalMessage, deliver
from app.store.account.credentials import Parameters
from app.store.accounts import Accounts
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.signin import SignIn
from app.store.spool import Body
from app.wire.smtp.address import ReversePath, parse_address, parse_path_address
from app.wire.smtp.reply import Reply
from tests.support.clock import SetClock
from tests.support.dns import DnsServer, Zone

BODY = b"From: jane@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nhi\r\n"
STATIC = """
    DataDir: data
    LogLevel: error
    Hostname: mx.example.org
    Listeners:
        local:
            IPs:
                - 127.0.0.1
    Postmaster:
        Account: jane
        Mailbox: Postmaster
"""
DYNAMIC = """
    Domains:
        example.org: nil
    Accounts:
        jane:
            Domain: example.org
            Destinations:
                jane@example.org: nil
"""


RELAY = """
    Transports:
        relay:
            SMTP:
                Host: 127.0.0.1
                Port: PORT
                NoSTARTTLS: true
"""
ROUTES = """
    Routes:
        -
            ToDomain:
                - .sink.test
            Transport: relay
"""


def relay(port: int) -> tuple[str, str]:
    """Lines for both configuration files that relay everything below sink.test to a port here."""
    return RELAY.replace("PORT", str(port)), ROUTES


def message(*recipients: str, sender: ReversePath | None = None, **more: object) -> NewMessage:
    """A message of jane's; `more` are fields of NewMessage."""
    facts: dict[str, object] = {
        "sender_account": "jane",
        "reverse_path": sender or parse_address("jane@example.org"),
        "recipients": tuple(NewRecipient(path=parse_path_address(to)) for to in recipients),
        "body": Body.of(BODY),
        "message_id": "<1@example.org>",
        "subject": "hello",
    }
    return NewMessage(**{**facts, **more})  # type: ignore[arg-type]


WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)


@dataclass
class Bench:
    """The running parts."""

    setup: Setup
    dispatcher: Dispatcher
    clock: SetClock
    accounts: Accounts
    names: list[str] = field(default_factory=list)

    async def inbox(self, account: str = "jane") -> list[bytes]:
        """The messages in the Inbox, each as prefix and body."""
        opened = await self.accounts.open(account)
        sql = """SELECT c.prefix, b.data FROM message m JOIN content c ON c.id = m.content_id
            JOIN body b ON b.id = c.body_id JOIN mailbox x ON x.id = m.mailbox_id
            WHERE x.name = 'Inbox' ORDER BY m.uid"""
        return [bytes(row[0]) + bytes(row[1]) for row in await opened.read(lambda db: db.execute(sql).fetchall())]

    async def send(self, new: NewMessage) -> list[int]:
        """Queue a message and wait until its attempts are over."""
        ids = await self.setup.db.add(new)
        await self.dispatcher.settled()
        return ids

    async def later(self, seconds: float) -> None:
        """Let time pass, and wait until what is due then is over."""
        self.clock.time += seconds
        self.dispatcher.kick()
        await self.dispatcher.settled()


@asynccontextmanager
async def running_queue(
    directory: Path, zone: Zone, port: int, static: str = "", dynamic: str = "", **more: object
) -> AsyncIterator[Bench]:
    """A dispatcher that runs; `static` and `dynamic` are further lines of the configuration files."""
    (directory / "mox.conf").write_text(_tabs(STATIC) + _tabs(static))
    (directory / "domains.conf").write_text(_tabs(DYNAMIC) + _tabs(dynamic))
    clock = SetClock()
    live = Live.open(directory / "mox.conf", files=False)
    accounts = Accounts(directory / "data")
    resources = Resources(
        live=live,
        accounts=accounts,
        queue=QueueDb.open(directory / "data", clock),
        sign_in=SignIn(live, accounts, parameters=WEAK),
        clock=clock,
        localserve=parse_address("jane@example.org") if more.get("is_localserve") else None,
    )
    with DnsServer(zone) as server:
        resolver = Resolver([Server(server.host, server.port, trusted=True)])
        setup = Setup(
            db=resources.queue,
            live=live,
            resolver=resolver,
            deliver_local=lambda message: deliver_local(resources, message),
            notify=Inbox(accounts, live).put,
            clock=clock,
            smtp_port=port,
            **more,  # type: ignore[arg-type]
        )
        dispatcher = Dispatcher(setup)
        dispatcher.start()
        try:
            yield Bench(setup, dispatcher, clock, accounts)
        finally:
            await dispatcher.stop(0.2)
            resolver.close()
            setup.db.close()
            accounts.close()


async def deliver_local(resources: Resources, message: Local) -> Reply:
    """What the engine does with mail for our own addresses."""
    queued = message.queued
    local = LocalMessage(
        reverse_path=queued.reverse_path, recipient=queued.recipient, prefix=message.prefix, data=message.body
    )
    return await deliver(resources, local)


def _tabs(text: str) -> str:
    """sconf wants tabs; source code does not."""
    return textwrap.dedent(text).lstrip("\n").replace("    ", "\t")
