"""What becomes of a forwarded message that its target does not take: it comes into the account after all.

Its sender is not told: the address that he wrote to has taken the message, and where it goes from there is not his
business. Its holder finds it in the mailbox, with the reason in X-Mox-Forward-Failed, and the reason on the page where
targets are set. When a copy was kept at once, the reason on the page is all.

    Setup(forward_failed=BackHome(accounts, queue, live).put, ...)
"""

from __future__ import annotations

import asyncio

from app.config.dynamic import Destination
from app.log import logger
from app.queue.inbox import INBOX
from app.queue.setup import Configured
from app.store.account import forwards, messages
from app.store.account.handle import Tx
from app.store.account.messages import Incoming
from app.store.account.prepare import Prepared, prepare
from app.store.accounts import Accounts
from app.store.queuedb import Content, QueueDb
from app.store.queuerecords import Queued
from app.store.spool import Spool
from app.wire.message.compose import fold

log = logger("queue")


class BackHome:
    """Puts forwarded messages into accounts."""

    def __init__(self, accounts: Accounts, queue: QueueDb, live: Configured) -> None:
        self._accounts = accounts
        self._queue = queue
        self._live = live
        self._one_by_one = asyncio.Lock()  # as several targets of a message may refuse it at the same time

    async def put(self, row: Queued, words: str, content: Content) -> None:
        """Keep the message, unless a copy is there, and the reason; raises Temporary when it cannot be stored now."""
        if row.sender_account not in self._live.directory.dynamic.accounts:
            log.warn("the account that forwarded a message has gone", id=row.id, account=row.sender_account)
            return
        async with self._one_by_one:
            is_kept = await self._queue.has_copy(row.base_id)
            await self._keep(row, words, None if is_kept else await asyncio.to_thread(self._prepare, content))

    async def _keep(self, row: Queued, words: str, prepared: Prepared | None) -> None:
        owner = self._live.directory.dynamic.accounts[row.sender_account]
        mailbox = owner.destinations.get(row.forwarded_for, Destination()).mailbox or INBOX
        account = await self._accounts.open(row.sender_account)
        prefix = fold("X-Mox-Forward-Failed", f"{row.recipient.wire}; {_ascii(words)}")

        def write(tx: Tx) -> None:
            forwards.note_failure(tx, row.forwarded_for, str(row.recipient), words)
            if prepared is not None:
                incoming = Incoming(mailbox=mailbox, prepared=prepared, prefix=prefix, has_limit=False)
                messages.deliver(tx, incoming)

        try:
            await account.write(write)
        finally:
            if prepared is not None:
                prepared.body.discard()
        if prepared is not None:
            await self._queue.mark_copied(row.base_id)

    def _prepare(self, content: Content) -> Prepared:
        spool = Spool(self._accounts.tmp_dir)
        spool.write(content.prefix)
        spool.write(content.body[:])
        return prepare(spool.finish())


def _ascii(words: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in words)
