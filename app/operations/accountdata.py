"""The data of an account on disk: what the store is told about it from the configuration, and its password.

An account's database has one writing process, so `set_password` with a directory is for when no server runs; a running
server sets it through its own open account.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.config.dynamic import Account, Dynamic
from app.config.static import Static, initial_mailboxes, quota_bytes
from app.errors import NoSuchAccount
from app.store.account import credentials
from app.store.accounts import Accounts, AccountSettings
from app.store.datalock import DataLock
from app.wire.imap.mailboxname import INBOX


def account_settings(static: Static, dynamic: Callable[[], Dynamic]) -> Callable[[str], AccountSettings]:
    """What `Accounts` asks for when it opens an account; `dynamic` gives the newest domains.conf."""

    def settings(name: str) -> AccountSettings:
        account = dynamic().accounts.get(name)
        if account is None:  # removed while something was on its way to it; not to be made anew
            raise NoSuchAccount(f"there is no account {name!r} any more")
        return AccountSettings(
            quota_bytes=quota_bytes(static, account.quota_message_size),
            junk_flags=account.automatic_junk_flags,
            rejects_mailbox=account.rejects_mailbox,
            has_junk_filter=account.junk_filter is not None,
            initial_mailboxes=initial_mailboxes(static),
            inboxes=inboxes_of(account),
        )

    return settings


def inboxes_of(account: Account) -> frozenset[str]:
    """The mailboxes that mail is delivered to, but for what is refused."""
    inboxes = {INBOX, account.introbox}
    for destination in account.destinations.values():
        inboxes.add(destination.mailbox)
        inboxes.update(ruleset.mailbox for ruleset in destination.rulesets)
    return frozenset(inboxes - {""})


def set_password(static: Static, dynamic: Dynamic, data_dir: Path, name: str, password: str) -> None:
    """Set the password of an account while no server runs; its database is made when absent. Takes about 100 ms.

    Raises BadPassword for one that is too short or has characters that cannot be typed, DataInUse while a server runs.
    """
    with DataLock(data_dir):
        accounts = Accounts(data_dir, account_settings(static, lambda: dynamic))
        try:
            accounts.open_now(name).write_now(lambda tx: credentials.set_password(tx, password))
        finally:
            accounts.close()
