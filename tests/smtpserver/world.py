"""An SMTP server in this process: temporary accounts, a real queue, three services on loopback."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from app.config.live import Live
from app.net.connection import Connection
from app.net.listen import Serving, bind
from app.smtpserver.conversation import Delays, Kind, Resources, Service
from app.smtpserver.listener import factory
from app.store.account import mailboxes, messages
from app.store.account.check import check
from app.store.account.credentials import Parameters, set_password
from app.store.account.handle import Account
from app.store.account.reader import read_message
from app.store.accounts import Accounts, AccountSettings
from app.store.queuedb import QueueDb
from app.store.queuerecords import Queued, QueueFilter
from app.store.signin import SignIn
from app.wire.domain import Domain
from app.wire.smtp.address import Address
from tests.support import dialog
from tests.support.certificates import self_signed
from tests.support.clock import SetClock

WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)
PASSWORD = "correct horse"
ACCOUNTS = ("jane", "joe", "few", "locked")
NOW = 1795365439.0  # Sun, 22 Nov 2026 16:37:19 +0000
HOST = "127.0.0.1"

MOX_CONF = """\
DataDir: data
LogLevel: info
Hostname: mail.example.com
Listeners:
	public:
		IPs:
			- 127.0.0.1
		SMTP:
			Enabled: true
			NoSTARTTLS: true
Postmaster:
	Account: jane
	Mailbox: Postmaster
"""

DOMAINS_CONF = """\
Domains:
	example.com:
		LocalpartCatchallSeparator: +
		Aliases:
			team:
				Addresses:
					- jane@example.com
					- joe@example.com
				PostPublic: true
			private:
				Addresses:
					- jane@example.com
					- joe@example.com
				AllowMsgFrom: true
	catchall.example:
		LocalpartCaseSensitive: true
	disabled.example:
		Disabled: true
	localhost: nil
Accounts:
	jane:
		Domain: example.com
		Destinations:
			jane@example.com: nil
			lists@example.com:
				Mailbox: Lists
			gone@example.com:
				SMTPError: 550 this address is no longer used
			later@example.com:
				SMTPError: 421 come back later
			jane@disabled.example: nil
			mox@localhost: nil
	joe:
		Domain: example.com
		QuotaMessageSize: 5000
		Destinations:
			joe@example.com: nil
			@catchall.example: nil
	few:
		Domain: example.com
		MaxOutgoingMessagesPerDay: 4
		MaxFirstTimeRecipientsPerDay: 2
		Destinations:
			few@example.com: nil
	locked:
		Domain: example.com
		LoginDisabled: on holiday
		Destinations:
			locked@example.com: nil
"""


class World:
    """The server and all that it stores into."""

    def __init__(
        self, directory: Path, *, localserve: bool = False, max_size: int = 1 << 20, domains_conf: str = DOMAINS_CONF
    ) -> None:
        config = directory / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "mox.conf").write_text(MOX_CONF)
        (config / "domains.conf").write_text(domains_conf)
        clock = SetClock(NOW)
        self.live = Live.open(config / "mox.conf")
        self.quota = {"joe": 5000}
        self.accounts = Accounts(directory / "data", self.settings_of)
        self.queue = QueueDb.open(directory / "data", clock)
        for name in ACCOUNTS:
            self.accounts.open_now(name).write_now(lambda tx: set_password(tx, PASSWORD, WEAK))
        self.resources = Resources(
            live=self.live,
            accounts=self.accounts,
            queue=self.queue,
            sign_in=SignIn(self.live, self.accounts, parameters=WEAK),
            clock=clock,
            delays=Delays(unknown_recipient_s=0, failed_login_s=0, timeout_localpart_s=0),
            localserve=Address("mox", Domain("localhost")) if localserve else None,
        )
        tls = self_signed("localhost")
        self.client_tls = tls.client
        hostname = self.live.static.hostname
        self.services = {
            "smtp": Service(kind=Kind.SMTP, hostname=hostname, max_size=max_size, tls=tls.server),
            "plain": Service(kind=Kind.SMTP, hostname=hostname, max_size=max_size),
            "strict": Service(kind=Kind.SMTP, hostname=hostname, tls=tls.server, requires_tls=True),
            "submission": Service(kind=Kind.SUBMISSION, hostname=hostname, tls=tls.server, requires_tls=True),
            "open": Service(kind=Kind.SUBMISSION, hostname=hostname, tls=tls.server),
            "submissions": Service(kind=Kind.SUBMISSIONS, hostname=hostname, tls=tls.server, requires_tls=True),
        }

    def settings_of(self, account: str) -> AccountSettings:
        """What the store is told about an account."""
        return AccountSettings(quota_bytes=self.quota.get(account, 0))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[dict[str, dialog.Service]]:
        """All services on free ports."""
        serving = self._serving = Serving()
        places: dict[str, dialog.Service] = {}
        for name, service in self.services.items():
            sock: socket.socket = bind(HOST, 0)
            places[name] = dialog.Service(HOST, sock.getsockname()[1], service.kind is Kind.SUBMISSIONS)
            await serving.add(sock, factory(service, self.resources))
        try:
            yield places
        finally:
            await serving.stop(grace_s=0)

    @property
    def connections(self) -> set[Connection]:
        """Those that are open now."""
        return self._serving.connections

    async def stop(self) -> None:
        """Stop as the program does, with time for what is on its way."""
        await self._serving.stop()

    async def talk(self, name: str, lines: list[str]) -> None:
        """Run a dialog."""
        async with self.serving() as places:
            await dialog.Dialog(places, self.client_tls).run_lines(name, lines)

    def run(self, script: str | Path) -> None:
        """Run a dialog that is given as a file or as lines of text."""
        if isinstance(script, Path):
            name, text = script.name, script.read_text()
        else:
            name, text = "script", script
        asyncio.run(self.talk(name, [line.strip() for line in text.splitlines()]))

    def run_with(self, work: Callable[[dict[str, dialog.Service]], Awaitable[None]]) -> None:
        """Run a client written in Python."""

        async def together() -> None:
            async with self.serving() as places:
                await work(places)

        asyncio.run(together())

    def messages(self, account: str, mailbox: str = "Inbox") -> list[bytes]:
        """The stored messages, prefix and body, in the order of their uids."""
        opened = self._account(account)

        def read(db: sqlite3.Connection) -> list[bytes]:
            found = mailboxes.find(db, mailbox)
            if found is None:
                return []
            rows = [messages.find(db, found.id, uid) for uid in messages.all_uids(db, found.id)]
            return [read_message(db, opened.directory / "msg", row.content_id).whole() for row in rows]

        return opened.read_now(read)

    def queued(self) -> list[Queued]:
        """What is in the queue, by recipient, oldest first."""
        found = asyncio.run(self.queue.find(QueueFilter()))
        return sorted(found, key=lambda one: one.id)

    def queued_content(self, base_id: int) -> bytes:
        """A queued message with its prefix."""
        content = asyncio.run(self.queue.content(base_id))
        return content.prefix + bytes(content.body)

    def close(self) -> None:
        """Close everything; fails when an account is not consistent."""
        problems = [check(self._account(name), hashes=True) for name in ACCOUNTS]
        self.resources.sign_in.close()
        self.accounts.close()
        self.queue.close()
        left = list((self.accounts.tmp_dir).iterdir())
        assert not any(problems)
        assert left == [], "temporary files are left"

    def _account(self, name: str) -> Account:
        return self.accounts.open_now(name)


async def greeted(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of which EHLO has been said and answered."""
    reader, writer = await asyncio.open_connection(HOST, port)
    await reader.readline()
    writer.write(b"EHLO client.example\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    return reader, writer
