"""Erases expunged messages when no session can ask for them any more.

Every session with a mailbox open registers as a `Reader`. What was expunged stays fetchable until all of them were
told; then, a moment later and in batches, contents and bodies go (`expunge.erase`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from app.errors import MailError
from app.log import logger
from app.store.account.changes import Change, MailboxDeleted, MessagesExpunged

if TYPE_CHECKING:
    from app.store.account.handle import Account

log = logger("store")

DELAY_S = 1.0  # collects the expunges of a busy moment into one transaction
RETRY_S = 60.0  # after a failure, such as a full disk


class Reader(Protocol):
    """A session that may fetch messages."""

    def oldest_untold(self) -> int | None:
        """The modseq of the first removal this session has not been told of; None when it knows all."""


class Eraser:
    """The erasing of one account."""

    def __init__(self, account: Account) -> None:
        self.readers: set[Reader] = set()
        self._account = account
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._expunged_at = 0  # the last modseq that removed something

    def changed(self, changes: list[Change]) -> None:
        """Note removals; called after each commit, on the event loop when there is one."""
        removals = [c.modseq for c in changes if isinstance(c, MessagesExpunged | MailboxDeleted)]
        if removals:
            self._expunged_at = max(self._expunged_at, *removals)
            self.kick()

    def kick(self) -> None:
        """Look again soon: something was expunged, a session was told, or a session ended."""
        self._look_in(DELAY_S)

    def _look_in(self, delay_s: float) -> None:
        if self._timer is not None or not self._expunged_at:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a command line tool: the next opening of the account erases
            return
        self._timer = loop.call_later(delay_s, self._start)

    def close(self) -> None:
        """Forget what is scheduled; the next opening of the account erases the rest."""
        self._expunged_at = 0  # so that no session that ends later starts a timer
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def limit(self) -> int:
        """Up to which modseq everything expunged may be erased."""
        untold = [modseq for reader in self.readers if (modseq := reader.oldest_untold()) is not None]
        return min([self._expunged_at, *(modseq - 1 for modseq in untold)])

    def _start(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._erase())
        else:
            self.kick()

    async def _erase(self) -> None:
        from app.store.account import expunge

        limit = self.limit()
        try:
            await expunge.erase(self._account, limit)
        except MailError as err:
            log.warn("cannot erase expunged messages, will be tried again", account=self._account.name, err=err)
            self._look_in(RETRY_S)
            return
        if self._account.unremoved:
            self._look_in(RETRY_S)
        elif limit >= self._expunged_at:
            self._expunged_at = 0
