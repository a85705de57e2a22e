"""Mail of the queue for accounts here: messages for our own addresses, and notifications.

    mail = LocalMail(accounts, live)
    Setup(deliver_local=mail.deliver, notify=mail.notify, ...)

`deliver` finds whose the address is and adds the message to the mailbox of its destination, an alias to all its
members. With a `fallback` account, as localserve has, unknown addresses go there. A program that delivers by rules,
as the SMTP server does, passes its own function instead. The answer is a reply, as a server would give it.
"""

from __future__ import annotations

import asyncio

from app.config.lookup import AliasFound, Destined
from app.errors import MailError, OverQuota
from app.log import logger
from app.queue.setup import Configured, Local
from app.store.account import mailboxes
from app.store.account.handle import Tx
from app.store.account.messages import Incoming, add
from app.store.account.prepare import prepare
from app.store.accounts import Accounts
from app.store.spool import Body
from app.wire.smtp.address import Address, AddressLiteral
from app.wire.smtp.reply import Reply, reply

INBOX = "Inbox"
IN_THREAD = 64 * 1024  # design.md: more than this is not parsed on the event loop

log = logger("queue")
DELIVERED = reply(250, "2.0.0", "delivered")


class LocalMail:
    """Delivers into accounts."""

    def __init__(self, accounts: Accounts, live: Configured, fallback: str = "") -> None:
        self._accounts = accounts
        self._live = live
        self._fallback = fallback

    async def deliver(self, local: Local) -> Reply:
        """Deliver to the recipient; the reply tells what came of it."""
        places = self._places(local.queued.recipient)
        if not places:
            return reply(550, "5.1.1", "no such user here")
        prefix = b"Return-Path: <" + local.queued.reverse_path.wire.encode() + b">\r\n" + local.prefix
        try:
            for account, mailbox in places:
                await self._add(account, mailbox, prefix, Body(len(local.body), local.body))
        except OverQuota:
            return reply(452, "4.2.2", "mailbox is full")
        except MailError as err:
            log.error("local delivery failed", err=err, id=local.queued.id)
            return reply(451, "4.3.0", "cannot store the message now")
        return DELIVERED

    async def notify(self, account: str, message: bytes) -> None:
        """Put a notification into the Inbox of the account, or of postmaster when it has gone."""
        static, dynamic = self._live.directory.static, self._live.directory.dynamic
        name = account if account in dynamic.accounts else static.postmaster.account
        await self._add(name, INBOX, b"Return-Path: <>\r\n", Body.of(message))

    def _places(self, recipient: Address | AddressLiteral) -> list[tuple[str, str]]:
        """Account and mailbox of each copy."""
        found = self._live.directory.find(recipient) if isinstance(recipient, Address) else None
        if isinstance(found, AliasFound):
            return [(member.account_name, member.mailbox) for member in found.members]
        if isinstance(found, Destined):
            return [(found.account_name, found.mailbox)]
        return [(self._fallback, INBOX)] if self._fallback else []

    async def _add(self, name: str, mailbox: str, prefix: bytes, body: Body) -> None:
        account = await self._accounts.open(name)
        loop = asyncio.get_running_loop()
        prepared = prepare(body) if body.size <= IN_THREAD else await loop.run_in_executor(None, prepare, body)
        incoming = Incoming(mailbox=mailbox, prepared=prepared, prefix=prefix)
        await account.write(lambda tx: _add_ensured(tx, incoming))


def _add_ensured(tx: Tx, incoming: Incoming) -> None:
    """Add the message; a destination may name a mailbox that was never made."""
    mailboxes.ensure(tx, incoming.mailbox)
    add(tx, incoming)
