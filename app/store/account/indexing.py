"""Keeps the word index of an account up: a moment after deliveries, never before their reply, and some hundred at once.

What was there before, such as the messages of an account of an earlier version, is indexed after the account is opened.
A failure, such as a full disk, costs nothing but time: searches look at what is not indexed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.errors import MailError
from app.log import logger
from app.store.account.changes import Change, MessagesAdded
from app.store.account.later import Later

if TYPE_CHECKING:
    from app.store.account.handle import Account

log = logger("store")

ENOUGH = 128  # messages that wait before a segment is made
DELAY_S = 2.0  # lets a burst of deliveries pass
RETRY_S = 300.0


class Indexer:
    """The indexing of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._added = 0  # messages since the last look
        self._later = Later(self._index, DELAY_S)

    def changed(self, changes: list[Change]) -> None:
        """Count new messages; called after each commit, on the event loop when there is one."""
        for change in changes:
            if isinstance(change, MessagesAdded):
                self._added += len(change.entries)
        if self._added >= ENOUGH:
            self.look_in(DELAY_S)

    def look_in(self, delay_s: float) -> None:
        """See later whether there is enough to index."""
        self._later.look_in(delay_s)

    def close(self) -> None:
        """Forget what is scheduled; the next opening of the account looks again."""
        self._later.close()

    async def _index(self) -> None:
        from app.store.account import searchindex

        self._added, account = 0, self._account
        try:
            while (
                not self._later.is_closed and await account.read(lambda db: searchindex.waiting(db, ENOUGH)) >= ENOUGH
            ):
                await index_segment(account)
            log.debug("messages are indexed for search", account=account.name)
        except MailError as err:
            if not self._later.is_closed:
                log.warn("cannot index messages for search, will be tried again", account=account.name, err=err)
                self.look_in(RETRY_S)


async def index_segment(account: Account) -> int:
    """Index the next some hundred messages, or those there are; returns how many."""
    from app.store.account import searchindex

    builder = searchindex.SegmentBuilder(account.directory / "msg")
    while await account.read(builder.read):
        pass
    segment = await asyncio.to_thread(builder.segment)
    if segment.contents:
        await account.write(lambda tx: searchindex.add_segment(tx.db, segment))
    return len(segment.contents)


def index_now(account: Account) -> None:
    """Index everything, for a caller without an event loop."""
    from app.store.account import searchindex

    while True:
        builder = searchindex.SegmentBuilder(account.directory / "msg")
        while account.read_now(builder.read):
            pass
        segment = builder.segment()
        if not segment.contents:
            return
        account.write_now(lambda tx, segment=segment: searchindex.add_segment(tx.db, segment))  # type: ignore[misc]
