"""Delivery of queued mail to our own accounts, without leaving the machine.

The queue is given `LocalDelivery(...)` and does not know accounts; this module knows both. It answers as an SMTP server
would, so that the queue treats the result like any other. An alias delivers to each of its members.
"""

from __future__ import annotations

import asyncio

from app.config.live import Live
from app.config.lookup import AliasFound, Destined
from app.errors import MailError, OverQuota, Temporary
from app.log import logger
from app.queue.setup import Local
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import Prepared, prepare
from app.store.accounts import Accounts
from app.store.spool import Body
from app.wire.smtp.address import Address
from app.wire.smtp.reply import Reply

log = logger("queue")

THREAD_BYTES = 64 * 1024  # larger messages are analysed off the event loop

_DELIVERED = Reply(250, "2.1.5", ("delivered",))
_UNKNOWN = Reply(550, "5.1.1", ("no such user",))
_FULL = Reply(452, "4.2.2", ("mailbox is full",))
_TRY_LATER = Reply(451, "4.3.0", ("cannot store the message now, will be tried again",))


class LocalDelivery:
    """Puts queued messages and notifications into accounts."""

    def __init__(self, live: Live, accounts: Accounts, fallback: Address | None = None) -> None:
        """`fallback` takes the mail that nobody else does, in localserve."""
        self._live = live
        self._accounts = accounts
        self._fallback = fallback

    async def deliver(self, local: Local) -> Reply:
        """Deliver one recipient's message; the reply says how it went."""
        recipient = local.queued.recipient
        targets = self._targets(recipient) if isinstance(recipient, Address) else []
        if not targets:
            return _UNKNOWN
        body = Body(len(local.body), local.body)
        prepared = await self._prepare(body, local.prefix)
        stamps = f"Delivered-To: {recipient}\r\nReturn-Path: <{local.queued.reverse_path}>\r\n".encode()
        replies = [await self._store(target, prepared, stamps + local.prefix) for target in targets]
        return next((reply for reply in replies if reply.code != _DELIVERED.code), _DELIVERED)

    async def notify(self, account_name: str, message: bytes) -> None:
        """Put a notification into the Inbox of an account, or of the postmaster's when there is no such account."""
        if account_name not in self._live.dynamic.accounts:
            account_name = self._live.static.postmaster.account
        account = await self._accounts.open(account_name)
        incoming = Incoming(mailbox="Inbox", prepared=prepare(Body.of(message)), prefix=b"Return-Path: <>\r\n")
        await account.write(lambda tx: messages.deliver(tx, incoming))

    async def _prepare(self, body: Body, prefix: bytes) -> Prepared:
        if body.size > THREAD_BYTES:
            return await asyncio.to_thread(prepare, body, prefix)
        return prepare(body, prefix)

    def _targets(self, address: Address) -> list[Destined]:
        directory = self._live.directory
        found = directory.find(address)
        if found is None and self._fallback is not None:
            found = directory.find(self._fallback)
        if isinstance(found, AliasFound):
            return list({member.account_name: member for member in found.members}.values())
        return [found] if found else []

    async def _store(self, target: Destined, prepared: Prepared, prefix: bytes) -> Reply:
        incoming = Incoming(mailbox=target.mailbox, prepared=prepared, prefix=prefix)
        try:
            account = await self._accounts.open(target.account_name)
            await account.write(lambda tx: messages.deliver(tx, incoming))
        except OverQuota:
            return _FULL
        except Temporary as err:
            log.warn("local delivery failed for now", account=target.account_name, err=err)
            return _TRY_LATER
        except MailError as err:
            log.error("local delivery failed", account=target.account_name, err=err)
            return _TRY_LATER
        return _DELIVERED
