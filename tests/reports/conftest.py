"""A server that sends reports, with a clock, a DNS and pauses that tests hold in their hands."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
from email.message import EmailMessage

import pytest

from app.config.live import Live
from app.reports.setup import Setup
from app.store.queuedb import QueueDb
from app.store.queuerecords import Queued, QueueFilter
from app.store.serverdb import ServerDb
from app.trust.dkim.keys import load_key, make_ed25519
from app.trust.dkim.sign import Selector
from app.wire.domain import Domain
from tests.smtpserver.world import DOMAINS_CONF, MOX_CONF
from tests.support.clock import SetClock
from tests.support.machines import DictionaryResolver

MIDNIGHT = 1795392000  # 2026-11-23, UTC
DAY = 24 * 3600


class Signing:
    """The configuration, with a key for the domain above the host name."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._key = load_key(make_ed25519())
        self.domain = Domain("example.com")

    @property
    def directory(self):
        return self._live.directory

    def selectors(self, domain):
        return (Selector(name="s", domain=domain, key=self._key),) if domain == self.domain else ()


class Office:
    """Everything that sends reports, but for the dispatcher."""

    def __init__(self, directory) -> None:
        config = directory / "config"
        config.mkdir()
        (config / "mox.conf").write_text(MOX_CONF)
        (config / "domains.conf").write_text(DOMAINS_CONF)
        self.directory = directory
        self.clock = SetClock(MIDNIGHT + 3600.0)
        self.zone: dict[str, dict[str, object]] = {}
        self.pauses: list[float] = []
        self.live = Live.open(config / "mox.conf")
        self.queue = QueueDb.open(directory / "data", self.clock)
        self.server = ServerDb.open(directory / "data", self.clock)
        self.setup = Setup(
            live=Signing(self.live),
            queue=self.queue,
            server=self.server,
            resolver=DictionaryResolver(self.zone),
            clock=self.clock,
            sleep=self._sleep,
            between=lambda low, high: (low + high) / 2,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def txt(self, name: str, text: str) -> None:
        self.zone[name] = {"TXT": [text]}

    def waiting(self) -> list[Queued]:
        return asyncio.run(self.queue.find(QueueFilter(oldest_first=True)))

    def mail(self, row: Queued) -> EmailMessage:
        found = email.message_from_bytes(self.bytes_of(row), policy=email.policy.SMTP)
        assert isinstance(found, EmailMessage)
        return found

    def bytes_of(self, row: Queued) -> bytes:
        content = asyncio.run(self.queue.content(row.base_id))
        return content.prefix + bytes(content.body)

    def close(self) -> None:
        self.queue.close()
        self.server.close()

    def crash(self) -> None:
        """Open everything again, as after kill -9."""
        self.close()
        self.queue = QueueDb.open(self.directory / "data", self.clock)
        self.server = ServerDb.open(self.directory / "data", self.clock)
        self.setup = dataclasses.replace(self.setup, queue=self.queue, server=self.server)


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    yield made
    made.close()
