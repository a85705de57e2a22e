"""The server of `world.py` with everything that judges mail: its own resolver on a DNS server, filter, block lists.

Dialogues have these steps more:

    earlier N junk|wanted MAILFROM AUTHOR [IP]   so many messages that were taken, and that Jane flagged so
    wrote ADDRESS                                Jane has written there
    learn                                        her filter has learnt enough: LOTTERY is junk, GARDEN is not
    took MAILBOX REASON                          the newest message there was taken for this reason
    refused REASON                               the newest among the refused ones was refused for it
    told WORDS                                   and the lines about it for people have these words
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.smtpserver.checks.authentication import Authentication
from app.smtpserver.checks.blocklists import BlockLists
from app.smtpserver.checks.content import content
from app.smtpserver.judging import Sources
from app.store.account import mailboxes, messages, provenance
from app.store.account.flags import FlagChange, Mode, store
from app.store.account.handle import Tx
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.accounts import AccountSettings
from app.store.queuerecords import NewMessage, NewRecipient
from app.store.spool import Body
from app.trust.lookup import Resolver as AnyResolver
from app.wire.domain import Domain
from app.wire.imap.flags import JUNK, NOTJUNK
from app.wire.smtp.address import parse_address, parse_path_address
from tests.smtpserver.world import DOMAINS_CONF, NOW, World
from tests.store.test_submitted import LIMITS
from tests.support.dialog import Dialog, DialogFailed, Service
from tests.support.dns import DnsServer, Zone

ZONE = Path(__file__).parent.parent / "dialogs" / "smtp" / "judged_zone.json"
REJECTS = "Rejects"
SAMPLES = 300  # of each; with fewer the filter must be surer than it can be here
MOST = 100
FLAGS = {"junk": JUNK, "wanted": NOTJUNK}
CONF = (
    DOMAINS_CONF.replace(
        "\tjane:\n\t\tDomain: example.com\n",
        """\
	jane:
		Domain: example.com
		RejectsMailbox: Rejects
		SubjectPass:
			Period: 12h
		JunkFilter:
			Threshold: 0.95
			Params:
				Onegrams: true
				MaxPower: 0.01
				TopWords: 10
				IgnoreWords: 0.1
				RareWords: 2
""",
    )
    .replace(
        "\t\t\t\tMailbox: Lists\n",
        """\
				Mailbox: Lists
				Rulesets:
					-
						SMTPMailFromRegexp: ^bounces@
						ListAllowDomain: list.example
						Mailbox: Lists/Allowed
			verified@example.com:
				MessageAuthRequiredSMTPError: please sign your mail
				Rulesets:
					-
						SMTPMailFromRegexp: ^forward@list\\.example$
						VerifiedDomain: list.example
						IsForward: true
						Mailbox: Forwarded
""",
    )
    .replace(
        "\t\tLocalpartCatchallSeparator: +\n",
        """\
		LocalpartCatchallSeparator: +
		DMARC:
			Localpart: reports
			Account: jane
			Mailbox: DMARC
""",
        1,
    )
)


class JudgedWorld(World):
    """Jane's account with all that can be set about junk."""

    def __init__(self, directory: Path, more: Zone | None = None, *, max_size: int = 1 << 20) -> None:
        super().__init__(directory, domains_conf=CONF, max_size=max_size)
        self._zone = DnsServer(json.loads(ZONE.read_text()) | (more or {}))
        self.services = {"smtp": dataclasses.replace(self.services["smtp"], zones=(Domain("bl.example"),))}
        self.jane = self._account("jane")

    def settings_of(self, account: str) -> AccountSettings:
        """As the configuration says."""
        return AccountSettings(rejects_mailbox=REJECTS, has_junk_filter=True)

    def judges(self, resolver: AnyResolver) -> Sources:
        """All that judges, asking a resolver."""
        return Sources(
            queue=self.queue,
            authenticate=Authentication(resolver, sample=lambda: 0.0),
            classify=content,
            block_lists=BlockLists(resolver),
            now=lambda: NOW,
            jitter=lambda: 0.0,
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[dict[str, Service]]:
        """All services, with a resolver that knows nothing yet."""
        resolver = Resolver([Server(self._zone.host, self._zone.port)])
        self.resources = dataclasses.replace(self.resources, judges=self.judges(resolver))
        try:
            async with super().serving() as places:
                yield places
        finally:
            resolver.close()

    async def talk(self, name: str, lines: list[str]) -> None:
        """Run a dialog with the steps above."""
        async with self.serving() as places:
            await JudgedDialog(self, places, self.client_tls).run_lines(name, lines)

    def close(self) -> None:
        """Close everything, with the checks of the world."""
        self._zone.close()
        super().close()

    async def flag_new(self, flags: int) -> None:
        """Flag what came to the Inbox since the last time."""

        def change(tx: Tx) -> None:
            inbox = mailboxes.get(tx.db, "Inbox")
            for uid in messages.all_uids(tx.db, inbox.id):
                stored = messages.find(tx.db, inbox.id, uid)
                if stored is not None and not stored.flags & (JUNK | NOTJUNK):
                    store(tx, inbox.id, [uid], FlagChange(mode=Mode.SET, flags=flags))

        await self.jane.write(change)

    async def learn(self) -> None:
        """Let the filter learn as many messages as it needs."""

        def add(tx: Tx) -> None:
            for number, (word, flag) in itertools.product(range(SAMPLES), (("LOTTERY", JUNK), ("GARDEN", NOTJUNK))):
                text = f"Subject: {word} {number}\r\n\r\n{word} {word}{number % 7} {word}more\r\n"
                messages.deliver(tx, Incoming(mailbox="Learnt", prepared=prepare(Body.of(text.encode())), flags=flag))

        await self.jane.write(add)
        await self.jane.trainer.finish()

    async def wrote(self, address: str) -> None:
        """A message of Jane's in the queue."""
        message = NewMessage(
            sender_account="jane",
            reverse_path=parse_address("jane@example.com"),
            recipients=(NewRecipient(path=parse_path_address(address)),),
            body=Body.of(b"hello"),
        )
        await self.queue.add(message, LIMITS)


class JudgedDialog(Dialog):
    """A dialogue with the steps of this module."""

    def __init__(self, world: JudgedWorld, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._world = world
        self._trace = ""

    async def _other_step(self, line: str) -> None:
        word, *words = line.split()
        match word:
            case "earlier":
                await self._earlier(*words)
            case "wrote":
                await self._world.wrote(words[0])
            case "learn":
                await self._world.learn()
            case "took":
                await self._newest(words[0], words[1])
            case "refused":
                await self._newest(REJECTS, words[0])
            case "told":
                if " ".join(words) not in self._trace:
                    raise DialogFailed(f"got {self._trace!r}")
            case _:
                await super()._other_step(line)

    async def _earlier(self, count: str, verdict: str, mail_from: str, author: str, ip: str = "127.0.0.1") -> None:
        lines = [f"from {ip}", "connect earlier", "S+ 220", "C: EHLO one.hoster.example", "S+ 250"]
        for number in range(int(count)):
            lines += [f"C: MAIL FROM:<{mail_from}>", "C: RCPT TO:<jane@example.com>", "C: DATA"]
            lines += ["S+ 250", "S+ 250", "S+ 354"]
            lines += [
                f"C: From: {author}",
                "C: To: jane@example.com",
                f"C: Subject: earlier {number}",
                "C:",
                "C: Hello.",
            ]
            lines += ["C: .", "S+ 250"]
        dialog = Dialog(self._services)
        await dialog.run_lines("earlier", lines)
        await self._world.flag_new(FLAGS[verdict])

    async def _newest(self, mailbox: str, reason: str) -> None:
        found = await self._world.jane.read(lambda db: provenance.newest_came(db, MOST))
        told = next((one.told for one in found if one.mailbox == mailbox), None)
        if told is None or told.reason != reason:
            raise DialogFailed(f"got {told}")
        self._trace = told.trace
