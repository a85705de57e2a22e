"""A temporary account that is checked for consistency when a test closes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.store.account.check import check
from app.store.account.handle import Account
from app.store.account.mailboxes import create_initial
from app.store.account.messages import Added, Incoming, add
from app.store.account.prepare import prepare
from app.store.spool import Body

INITIAL = (("Archive", "\\Archive"), ("Sent", "\\Sent"), ("Trash", "\\Trash"))


def simple_message(number: int = 1, text: str = "hello") -> bytes:
    """A small message that differs by its number."""
    return (
        f"From: sender{number}@example.org\r\nTo: me@example.com\r\nSubject: message {number}\r\n"
        f"Message-Id: <{number}@example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n{text} {number}\r\n"
    ).encode()


@contextmanager
def temporary_account(directory: Path, quota_bytes: int = 0) -> Iterator[Account]:
    """An account with its initial mailboxes; leaving the block closes it and fails when it is not consistent."""
    account = Account("test", directory / "accounts" / "test", quota_bytes=quota_bytes)
    account.write_now(lambda tx: create_initial(tx, INITIAL))
    try:
        yield account
        problems = check(account, hashes=True)
    finally:
        account.close()
    assert problems == []


def add_now(account: Account, data: bytes, mailbox: str = "Inbox", flags: int = 0, **more: object) -> Added:
    """Add one message."""
    incoming = Incoming(mailbox=mailbox, prepared=prepare(Body.of(data)), flags=flags, **more)  # type: ignore[arg-type]
    return account.write_now(lambda tx: add(tx, incoming))
