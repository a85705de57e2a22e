"""Trains the junk filter of an account: a moment after messages were flagged, never before the reply, a few at once.

What is due from before, such as after a crash, is learnt some time after the account is opened. A batch is small and a
rest follows it, so that deliveries do not wait and a large import does not keep a machine busy. An account without a
filter learns nothing; what is due waits for the day when it gets one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from app.errors import MailError
from app.junk.features import FORM
from app.log import logger
from app.store.account.changes import Change, FlagsChanged, MailboxDeleted, MessagesAdded, MessagesExpunged
from app.store.account.later import Later

if TYPE_CHECKING:
    from app.store.account.handle import Account

log = logger("junk")

DELAY_S = 1.0  # collects the changes of a busy moment
RETRY_S = 300.0
BATCH = 8  # messages learnt in one transaction, some 20 ms
REST_S = 0.02  # between two batches
Tell: TypeAlias = Callable[[int, int], Awaitable[None]]  # how many contents were looked at, of how many
_SEEN = FlagsChanged | MailboxDeleted | MessagesAdded | MessagesExpunged


class Trainer:
    """The training of one account."""

    def __init__(self, account: Account) -> None:
        self.is_on = False  # set when the configuration has a filter for the account
        self._account = account
        self._later = Later(self._train, DELAY_S)
        self._lock = asyncio.Lock()  # one at a time

    def changed(self, changes: list[Change]) -> None:
        """Look later whether something is due; called after each commit, on the event loop when there is one."""
        if self.is_on and any(isinstance(change, _SEEN) for change in changes):
            self.look_in(DELAY_S)

    def look_in(self, delay_s: float) -> None:
        """See later what is due."""
        self._later.look_in(delay_s)

    def close(self) -> None:
        """Forget what is scheduled; the next opening of the account looks again."""
        self._later.close()

    async def finish(self, tell: Tell | None = None) -> int:
        """Learn all that is due, and tell how far it is; returns how many contents were looked at."""
        from app.store.account import junktraining

        account, looked_at = self._account, 0
        msg_dir = account.directory / "msg"
        async with self._lock:
            await account.write(lambda tx: _renew(tx.db))
            due = await account.read(junktraining.count_due) if tell else 0
            while not self._later.is_closed:
                found = await account.read(lambda db: junktraining.tasks(db, msg_dir, BATCH))
                if not found:
                    break
                await account.write(lambda tx, found=found: junktraining.carry_out(tx.db, found))  # type: ignore[misc]
                looked_at += len(found)
                if tell:
                    await tell(looked_at, max(due, looked_at))  # more may have become due meanwhile
                await asyncio.sleep(REST_S if len(found) == BATCH else 0)
        return looked_at

    async def _train(self) -> None:
        from app.store.account import junktraining

        try:
            if self.is_on and await self._account.read(junktraining.is_any_due):
                count = await self.finish()
                log.debug("junk filter is trained", account=self._account.name, messages=count)
        except MailError as err:
            if not self._later.is_closed:
                log.warn("cannot train the junk filter, will be tried again", account=self._account.name, err=err)
                self.look_in(RETRY_S)


def _renew(db: sqlite3.Connection) -> None:
    """Begin again when the counts are of features as an earlier version of this program made them."""
    from app.store.account import junkcounts, junktraining

    if junkcounts.form(db) != FORM:
        junktraining.begin_again(db)


def train_now(account: Account) -> int:
    """Learn all that is due, for a caller without an event loop; returns how many contents were looked at."""
    from app.store.account import junktraining

    msg_dir, looked_at = account.directory / "msg", 0
    account.write_now(lambda tx: _renew(tx.db))
    while found := account.read_now(lambda db: junktraining.tasks(db, msg_dir, BATCH)):
        account.write_now(lambda tx, found=found: junktraining.carry_out(tx.db, found))  # type: ignore[misc]
        looked_at += len(found)
    return looked_at
