"""Notifications into the Inbox of the account that sent the message.

Setup(notify=Inbox(accounts, live).put, ...)
"""

from __future__ import annotations

from app.queue.setup import Configured
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.accounts import Accounts
from app.store.spool import Body

INBOX = "Inbox"


class Inbox:
    """Puts messages of ours into accounts, past everything that judges mail from outside."""

    def __init__(self, accounts: Accounts, live: Configured) -> None:
        self._accounts = accounts
        self._live = live

    async def put(self, account_name: str, message: bytes) -> None:
        """Add a message to the Inbox of the account, or of the postmaster's when the account has gone."""
        static, dynamic = self._live.directory.static, self._live.directory.dynamic
        name = account_name if account_name in dynamic.accounts else static.postmaster.account
        account = await self._accounts.open(name)
        incoming = Incoming(mailbox=INBOX, prepared=prepare(Body.of(message)), prefix=b"Return-Path: <>\r\n")
        await account.write(lambda tx: messages.deliver(tx, incoming))
