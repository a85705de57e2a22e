"""Mail moves here from a Dovecot: folders, bytes, flags, keywords and dates, and nothing twice."""

from __future__ import annotations

import asyncio
import imaplib
import ipaddress
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.net.imapclient import Endpoint, Security
from app.operations.imapimport.network import Network
from app.operations.imapimport.progress import Progress
from app.operations.imapimport.run import Run
from app.operations.imapimport.wanted import Wanted
from app.operations.mailimport.progress import State
from app.store.account.bodies import path_of
from app.store.account.handle import Account
from app.wire.imap.flags import write_flags
from app.wire.sasl.clients import Login
from app.wire.smtp.address import IPAddress
from tests.end_to_end import oddmail
from tests.end_to_end.conftest import own_ip
from tests.end_to_end.dovecotserver import HOST, PASSWORD, USER, Dovecot, whole_dovecot
from tests.support.accounts import simple_message, temporary_account

MOMENT = 837596665  # in 1996


def network(running: Dovecot) -> Network:
    async def addresses(host: str) -> Sequence[IPAddress]:
        return [ipaddress.ip_address(running.ip)] if host == HOST else []

    return Network(addresses=addresses, trust=running.trust())


async def move(running: Dovecot, account: Account, security: Security = Security.TLS, **changes: str) -> Progress:
    port = 993 if security is Security.TLS else 143
    login = Login(changes.get("user", USER), changes.get("password", PASSWORD))
    endpoint = Endpoint(host=changes.get("host", HOST), port=port, security=security)
    tmp_dir = account.directory / "tmp"
    tmp_dir.mkdir(exist_ok=True)
    run = Run(Wanted(endpoint=endpoint, login=login), account, network(running), tmp_dir)
    await run.go()
    assert list(tmp_dir.iterdir()) == []
    return run.progress


def fill(running: Dovecot, folder: str, messages: Sequence[bytes], flags: str = "") -> None:
    with running.client() as client:
        client.create(folder)
        for data in messages:
            assert client.append(folder, flags, imaplib.Time2Internaldate(MOMENT), data)[0] == "OK"


def held(account: Account, mailbox: str) -> list[tuple[bytes, str, int]]:
    """The bytes, flags and date of each message."""

    def read(db: sqlite3.Connection) -> list[tuple[bytes, str, int]]:
        sql = """SELECT b.data, b.hash, x.flags, x.keywords, x.internaldate FROM message x
            JOIN mailbox m ON m.id = x.mailbox_id JOIN content c ON c.id = x.content_id JOIN body b ON b.id = c.body_id
            WHERE m.name = ? ORDER BY x.uid"""
        folder = account.directory / "msg"
        return [
            (path_of(folder, key).read_bytes() if data is None else data, write_flags(flags, words).decode(), date)
            for data, key, flags, words, date in db.execute(sql, (mailbox,))
        ]

    return account.read_now(read)


def test_everything_comes_once_and_later_only_what_is_new(tmp_path: Path) -> None:
    odd = [data for name, data in oddmail.messages().items() if name != "msg_19"]  # it has no header section
    large = simple_message(1, "x" * 1_000_000 + "\r\n")

    async def talk(account: Account, running: Dovecot) -> None:
        await asyncio.to_thread(fill, running, "INBOX", odd)
        await asyncio.to_thread(fill, running, "INBOX.Gesendet", [large], r"(\Seen \Answered NonJunk later)")
        await asyncio.to_thread(fill, running, "INBOX.Work.caf&AOk-", [simple_message(n) for n in range(250)])
        first = await move(running, account)
        assert (first.state, first.taken, dict(first.problems)) == (State.DONE, len(odd) + 251, {})
        assert [row[0] for row in held(account, "Inbox")] == odd
        assert {row[1:] for row in held(account, "Inbox")} == {("()", MOMENT)}
        assert held(account, "Sent") == [(large, r"(\Seen \Answered $NotJunk later)", MOMENT)]
        assert [row[0] for row in held(account, "Work/café")] == [simple_message(n) for n in range(250)]
        second = await move(running, account, Security.STARTTLS)
        assert (second.state, second.taken) == (State.DONE, 0)
        await asyncio.to_thread(fill, running, "INBOX.Work.caf&AOk-", [simple_message(1000)], r"(\Flagged)")
        third = await move(running, account)
        assert third.taken == 1
        assert held(account, "Work/café")[-1] == (simple_message(1000), r"(\Flagged)", MOMENT)

    with temporary_account(tmp_path) as account, whole_dovecot(own_ip()) as running:
        asyncio.run(talk(account, running))


@pytest.mark.parametrize("mechanisms", ["scram-sha-256", "cram-md5", "login"])
def test_each_way_to_sign_in_works_and_a_wrong_password_is_told(tmp_path: Path, mechanisms: str) -> None:
    async def talk(account: Account, running: Dovecot) -> None:
        assert (await move(running, account)).state is State.DONE
        refused = await move(running, account, password="wrong")
        assert refused.state is State.FAILED
        assert "does not accept this user name and password" in refused.words

    with temporary_account(tmp_path) as account, whole_dovecot(own_ip(), "plain " + mechanisms) as running:
        asyncio.run(talk(account, running))


def test_certificate_has_to_be_for_the_host(tmp_path: Path) -> None:
    async def talk(account: Account, running: Dovecot) -> None:
        by_number = await move(running, account, host=running.ip)
        assert by_number.state is State.FAILED
        assert by_number.words == f"no safe connection to {running.ip}: the certificate is for another name"

    with temporary_account(tmp_path) as account, whole_dovecot(own_ip()) as running:
        asyncio.run(talk(account, running))
