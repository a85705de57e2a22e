"""The accounts of a data directory: open by name, share, close.

An account is made on disk at its first opening, with the initial mailboxes of the configuration; whether a name may be
opened at all is the caller's business, who asks the configuration. One object per account and process; each `open`
gives it the quota and junk flags that are configured now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.config.junksettings import AutomaticJunkFlags
from app.store.account import expunge, mailboxes
from app.store.account.handle import Account, Tx
from app.wire.imap.mailboxname import INBOX

INDEX_AFTER_S = 10.0  # an account that was opened looks for messages that are not indexed; a start has better to do

TRAIN_AFTER_S = 5.0  # and for what the junk filter did not learn yet


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What the store needs to know about an account from the configuration."""

    quota_bytes: int = 0  # 0: no limit
    junk_flags: AutomaticJunkFlags | None = None
    rejects_mailbox: str = ""
    has_junk_filter: bool = False
    inboxes: frozenset[str] = frozenset({INBOX})  # where mail is delivered to, but for what is refused
    initial_mailboxes: tuple[tuple[str, str | None], ...] = (
        ("Archive", "\\Archive"),
        ("Drafts", "\\Drafts"),
        ("Junk", "\\Junk"),
        ("Sent", "\\Sent"),
        ("Trash", "\\Trash"),
    )


class Accounts:
    """All accounts below `data_dir`."""

    def __init__(
        self,
        data_dir: Path,
        settings: Callable[[str], AccountSettings] = lambda name: AccountSettings(),
        clock: Clock = SYSTEM,
    ) -> None:
        self.data_dir = data_dir
        self.tmp_dir = data_dir / "tmp"
        self.tmp_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        self._settings = settings
        self._clock = clock
        self._open: dict[str, Account] = {}
        self._opening: dict[str, asyncio.Task[Account]] = {}

    async def open(self, name: str) -> Account:
        """The account of that name."""
        if (account := self._open.get(name)) is not None:
            _configure(account, self._settings(name))
            return account
        task = self._opening.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._open_in_thread(name))
            self._opening[name] = task
        return await asyncio.shield(task)

    def open_now(self, name: str) -> Account:
        """The same for a caller without an event loop."""
        if name not in self._open:
            self._open[name] = self._open_account(name)
        return self._open[name]

    def send_away(self, name: str) -> None:
        """End the connections that are signed in to the account."""
        if account := self._open.get(name):
            for user in tuple(account.users):
                user.leave()

    async def release(self, name: str) -> None:
        """Close an account that the configuration does not have any more; what still uses it fails as Temporary."""
        while task := self._opening.get(name):
            await asyncio.wait([task])
        self.send_away(name)
        if account := self._open.pop(name, None):
            await asyncio.to_thread(account.close)

    def close(self) -> None:
        """Close every account."""
        for account in self._open.values():
            account.close()
        self._open.clear()

    async def _open_in_thread(self, name: str) -> Account:
        try:
            account = await asyncio.to_thread(self._open_account, name)
            self._open[name] = account
            account.indexer.look_in(INDEX_AFTER_S)
            account.trainer.look_in(TRAIN_AFTER_S)
            return account
        finally:
            self._opening.pop(name, None)

    def _open_account(self, name: str) -> Account:
        settings = self._settings(name)
        directory = self.data_dir / "accounts" / name
        account = Account(name, directory, clock=self._clock)
        _configure(account, settings)
        account.write_now(lambda tx: _create_initial(tx, settings))
        expunge.erase_now(account)  # nothing that an earlier process expunged can be asked for any more
        return account


def _configure(account: Account, settings: AccountSettings) -> None:
    account.quota_bytes = settings.quota_bytes
    account.junk_flags = settings.junk_flags
    account.rejects_mailbox = settings.rejects_mailbox
    account.inboxes = settings.inboxes
    account.trainer.is_on = settings.has_junk_filter


def _create_initial(tx: Tx, settings: AccountSettings) -> None:
    if mailboxes.find(tx.db, INBOX) is None:
        mailboxes.create_initial(tx, settings.initial_mailboxes)
