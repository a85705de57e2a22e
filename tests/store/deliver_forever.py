"""Delivers messages from several tasks and says which were acknowledged; the crash tests end it in the middle.

    python deliver_forever.py DIRECTORY FIRST COUNT

Prints "ok N" when message N was acknowledged and "no N" when it was refused. Every eighth message is large enough to
become a file; every fifth is copied, and every seventh expunged again ("gone N").
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from app.errors import MailError  # noqa: E402
from app.store.account import expunge, mailboxes, messages  # noqa: E402
from app.store.account.handle import Account, Tx  # noqa: E402
from app.store.account.prepare import prepare  # noqa: E402
from app.store.accounts import Accounts  # noqa: E402
from app.store.spool import Spool  # noqa: E402

TASKS = 4


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def deliver(accounts: Accounts, account: Account, number: int) -> None:
    spool = Spool(accounts.tmp_dir)
    size = 300_000 if number % 8 == 0 else 2_000
    head = f"Message-Id: <{number}@example.org>\r\nSubject: {number}\r\n\r\n"
    spool.write((head + f"line {number}\r\n" * (size // 10)).encode())
    body = spool.finish()
    try:
        prepared = prepare(body)
        incoming = messages.Incoming(mailbox="Inbox", prepared=prepared, prefix=b"Return-Path: <>\r\n")
        added = await account.write(lambda tx: messages.deliver(tx, incoming))
        say(f"ok {number}")
        if number % 5 == 0:
            await account.write(lambda tx: copy(tx, added))
        if number % 7 == 0:
            await account.write(lambda tx: expunge.expunge(tx, mailboxes.get(tx.db, "Inbox"), [added.uid]))
            say(f"gone {number}")
    finally:
        body.discard()


def copy(tx: Tx, added: messages.Added) -> None:
    messages.copy(tx, added.mailbox_id, [added.uid], mailboxes.get(tx.db, "Archive").id)


async def main(directory: str, first: int, count: int) -> None:
    accounts = Accounts(Path(directory))
    account = await accounts.open("test")
    numbers = iter(range(first, first + count))

    async def worker() -> None:
        for number in numbers:
            try:
                await deliver(accounts, account, number)
            except (MailError, OSError):
                say(f"no {number}")

    say("ready")
    await asyncio.gather(*(worker() for _ in range(TASKS)))
    accounts.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
