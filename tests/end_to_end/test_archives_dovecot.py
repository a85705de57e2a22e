"""A Maildir of Dovecot is imported as it stands on its disk, and Dovecot serves the one that we export."""

from __future__ import annotations

import asyncio
import imaplib
import os
import re
import shutil
from pathlib import Path

from app.operations.mailexport.run import Container, Format, Wanted, write_files
from app.operations.mailexport.source import Tally
from app.operations.mailimport import run
from app.operations.mailimport.layout import Names
from app.operations.mailimport.progress import State
from app.store.account.handle import Account
from app.wire.imap.flags import FLAGGED, FORWARDED, SEEN
from tests.end_to_end import oddmail
from tests.end_to_end.conftest import own_ip
from tests.end_to_end.dovecotserver import NOBODY, Dovecot, whole_dovecot
from tests.support.accounts import add_now, simple_message, temporary_account

MOMENT = 837596665  # in 1996
ODD = list(oddmail.messages().values())
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")

Shown = tuple[bytes, set[bytes], bytes]  # bytes, flags, date


def shown(running: Dovecot, folder: str) -> list[Shown]:
    """What Dovecot has of each message."""
    found: list[Shown] = []
    with running.client() as client:
        assert client.select(folder, readonly=True)[0] == "OK"
        _, answer = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
        for part in answer:
            if isinstance(part, tuple):
                head, data = part
                flags, date = _FLAGS.search(head), re.search(rb'INTERNALDATE "([^"]*)"', head)
                assert flags is not None
                assert date is not None
                found.append((data, set(flags[1].lower().split()) - {b"\\recent"}, date[1]))
    return found


def ours(account: Account, name: str) -> list[tuple[bytes, int, str, int]]:
    sql = """SELECT b.data, x.flags, x.keywords, x.internaldate FROM message x JOIN content c
        ON c.id = x.content_id JOIN body b ON b.id = c.body_id JOIN mailbox m ON m.id = x.mailbox_id
        WHERE m.name = ? ORDER BY x.uid"""
    return account.read_now(lambda db: db.execute(sql, (name,)).fetchall())


def test_maildir_of_dovecot_comes_here_as_it_is(tmp_path: Path) -> None:
    with whole_dovecot(own_ip(24)) as running:
        with running.client() as client:
            client.create("INBOX.Entw&APw-rfe.Alt")
            date = imaplib.Time2Internaldate(MOMENT)
            for data in ODD:
                client.append("INBOX", "", date, data)
            client.append("INBOX.Entw&APw-rfe.Alt", r"(\Seen \Flagged $Forwarded work)", date, simple_message(1))
        inbox = shown(running, "INBOX")
        with temporary_account(tmp_path) as account:
            wanted = run.Wanted(path=running.folder / "mail", name="mail", names=Names())
            (tmp_path / "tmp").mkdir()

            async def take() -> run.Progress:
                one = run.Run(wanted, account, tmp_path / "tmp", run.Keeping())
                await one.go()
                return one.progress

            progress = asyncio.run(take())
            assert (progress.state, list(progress.problems)) == (State.DONE, [])
            assert sorted(data.removeprefix(b"\r\n") for data, *_ in ours(account, "Inbox")) == sorted(
                data.removeprefix(b"\r\n") for data, *_ in inbox
            )
            [one] = ours(account, "Entwürfe/Alt")
            assert (one[0], one[2]) == (simple_message(1), "work")
            assert one[1] == SEEN | FLAGGED | FORWARDED


def test_dovecot_serves_what_we_exported(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account, whole_dovecot(own_ip(25)) as running:
        for number, data in enumerate(ODD):
            add_now(account, data, flags=SEEN * (number % 2), internaldate=MOMENT + number, keywords=("work",))
        before = [(data, bool(flags & SEEN)) for data, flags, *_ in ours(account, "Inbox")]
        wanted = Wanted(format=Format.MAILDIR, container=Container.NONE, mailbox="Inbox")
        write_files(account, wanted, Tally(), tmp_path / "out")
        shutil.copytree(tmp_path / "out" / "Inbox", running.folder / "mail", dirs_exist_ok=True)
        for path in (running.folder / "mail").rglob("*"):
            os.chown(path, NOBODY, NOBODY)
        found = shown(running, "INBOX")
        assert [(data, b"\\seen" in flags) for data, flags, _ in found] == before
        assert all(b"work" in flags for _, flags, _ in found)
        assert found[0][2].startswith(b"17-Jul-1996")
