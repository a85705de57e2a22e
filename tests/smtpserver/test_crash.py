"""kill -9 at any moment of an incoming message: between verdict and store, between store and training.

What was acknowledged is there, once; what was refused is at most once among the refused; what was learnt was learnt
once, and the rest is learnt after the start.
"""

from __future__ import annotations

import random
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.store.account import junkcounts, junktraining
from app.store.account.check import check
from app.store.account.handle import Account
from app.store.account.junktrainer import train_now
from app.store.accounts import Accounts
from app.wire.imap.flags import JUNK, NOTJUNK

WORKER = Path(__file__).with_name("judge_forever.py")
KILLS = 4
CLIENTS = 3
AT_LEAST = 9  # answers before a kill
OF_A_CONNECTION = 5  # messages; a client that is refused often is served slowly
FLAGGED = JUNK | NOTJUNK


class Client(threading.Thread):
    """Sends messages until the server is gone, and notes what it said about each."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__()
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self._port = port
        self._first = first

    def run(self) -> None:
        """Send, each fourth one as somebody whose domain wants it refused."""
        try:
            for start in range(self._first, self._first + 100_000, OF_A_CONNECTION):
                with smtplib.SMTP("127.0.0.1", self._port, "one.hoster.example", timeout=30) as smtp:
                    for number in range(start, start + OF_A_CONNECTION):
                        self._send(smtp, number)
        except (OSError, smtplib.SMTPException):
            pass  # the server was killed

    def _send(self, smtp: smtplib.SMTP, number: int) -> None:
        sender = f"a{number}@{'strict' if number % 4 == 0 else 'quiet'}.example"
        name = f"{number}@out.example"
        lines = 30_000 if number % 7 == 0 else 3  # some are files
        text = f"From: {sender}\nTo: jane@example.com\nMessage-Id: <{name}>\n\n" + f"line {number}\n" * lines
        try:
            smtp.sendmail(sender, ["jane@example.com"], text)
        except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused):
            self.refused.append(name)
        else:
            self.accepted.append(name)


def served(directory: Path, kill: int) -> Iterator[Client]:
    """The clients of a server that was killed while they sent."""
    process = subprocess.Popen(
        [sys.executable, str(WORKER), str(directory)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline().split()[1])
    clients = [Client(port, (kill * CLIENTS + number) * 100_000) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    while sum(len(client.accepted) + len(client.refused) for client in clients) < AT_LEAST:
        assert any(client.is_alive() for client in clients), "no client could send"
        time.sleep(0.01)
    timer = threading.Timer(random.uniform(0.01, 1.0), process.kill)
    timer.start()
    process.wait()
    process.stdout.close()
    for client in clients:
        client.join()
        yield client


def names(account: Account, mailbox: str) -> Counter[str]:
    """The Message-IDs there."""
    query = (
        "SELECT c.message_id FROM message m JOIN content c ON c.id = m.content_id"
        " JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = ?"
    )
    return account.read_now(lambda db: Counter(name for (name,) in db.execute(query, (mailbox,))))


def flagged(db: sqlite3.Connection) -> int:
    (count,) = db.execute(f"SELECT count(DISTINCT content_id) FROM message WHERE flags & {FLAGGED}").fetchone()
    return int(count)


def test_kill_loses_nothing_acknowledged_and_teaches_nothing_twice(tmp_path: Path) -> None:
    clients = [client for kill in range(KILLS) for client in served(tmp_path, kill)]
    accepted = {name for client in clients for name in client.accepted}
    refused = {name for client in clients for name in client.refused}
    # How many of each depends on which flags came first: a domain with a bad name is refused from then on.
    assert accepted
    assert refused
    accounts = Accounts(tmp_path / "data")
    account = accounts.open_now("jane")
    try:
        inbox, rejects = names(account, "Inbox"), names(account, "Rejects")
        assert check(account, hashes=True) == []  # where what was learnt is compared with the flags
        train_now(account)
        assert not account.read_now(junktraining.is_any_due)
        samples = account.read_now(junkcounts.samples)
        assert samples.wanted + samples.junk == account.read_now(flagged) > 0
        assert check(account, hashes=True) == []
    finally:
        accounts.close()
    assert accepted <= set(inbox)
    assert max((inbox + rejects).values()) == 1, "a message is there twice"
    assert not refused & set(inbox)
    assert refused <= set(rejects)
