"""How far folders of other servers were taken is kept with the messages, and never the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account import imports
from app.store.account.copies import Copies
from app.store.account.handle import Account, Tx
from app.store.account.imports import MAX_SOURCES, Reached, Server
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.support.accounts import add_now, simple_message, temporary_account

FOLDER = b"INBOX"


def server(host: str = "imap.example.org") -> Server:
    return Server(host=host, port=993, user="jane", security="tls", is_verified=True)


def begin(account: Account, host: str) -> None:
    number = account.write_now(lambda tx: imports.begin(tx, server(host)))
    account.write_now(lambda tx: imports.note(tx, number, FOLDER, Reached(1, 1), 1))


def reached(account: Account, source: int) -> Reached | None:
    return account.read_now(lambda db: imports.reached(db, source, FOLDER))


def test_second_import_from_a_server_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:
        first = account.write_now(lambda tx: imports.begin(tx, server()))
        assert reached(account, first) is None
        account.write_now(lambda tx: imports.note(tx, first, FOLDER, Reached(7, 100), 90))
        account.write_now(lambda tx: imports.end(tx, first, "done"))
        assert account.write_now(lambda tx: imports.begin(tx, server())) == first
        assert reached(account, first) == Reached(7, 100)
        [source] = account.read_now(imports.sources)
        assert (source.taken, source.ended, source.words) == (90, None, "")


def test_failed_transaction_notes_no_place(tmp_path: Path) -> None:
    class Broken(Exception):
        pass

    def fail(tx: Tx) -> None:
        imports.note(tx, source, FOLDER, Reached(7, 100), 1)
        raise Broken

    with temporary_account(tmp_path) as account:
        source = account.write_now(lambda tx: imports.begin(tx, server()))
        with pytest.raises(Broken):
            account.write_now(fail)
        assert reached(account, source) is None


def test_only_the_latest_servers_are_remembered(tmp_path: Path) -> None:
    with temporary_account(tmp_path) as account:
        for count in range(MAX_SOURCES + 3):
            begin(account, f"{count}.example.org")
        hosts = [one.server.host for one in account.read_now(imports.sources)]
        assert hosts[0] == f"{MAX_SOURCES + 2}.example.org"
        assert len(hosts) == MAX_SOURCES


def test_numbers_of_64_bits_are_known_again(tmp_path: Path) -> None:
    largest = (1 << 64) - 1
    with temporary_account(tmp_path) as account:
        source = account.write_now(lambda tx: imports.begin(tx, server()))
        account.write_now(lambda tx: imports.note_numbers(tx, source, [5, largest, 5]))
        assert account.read_now(lambda db: imports.known_numbers(db, source, [4, 5, largest])) == {5, largest}
        account.write_now(lambda tx: imports.forget(tx, source))
        assert account.read_now(lambda db: imports.known_numbers(db, source, [5])) == set()


def test_message_is_known_by_its_bytes_in_its_mailbox_whatever_delivery_put_in_front(
    tmp_path: Path,
) -> None:
    with temporary_account(tmp_path) as account:
        add_now(account, simple_message(1))
        add_now(account, simple_message(2), prefix=b"Delivered-To: me@example.com\r\n")
        copies = Copies(account.directory / "msg", account.read_now(Copies.mark))
        add_now(account, simple_message(3))

        def has(mailbox: str, data: bytes) -> bool:
            return account.read_now(lambda db: copies.has(db, mailbox, prepare(Body.of(data))))

        assert has("Inbox", simple_message(1))
        assert not has("Sent", simple_message(1))
        assert has("Inbox", simple_message(2))
        assert has("Inbox", b"Delivered-To: me@example.com\r\n" + simple_message(2))
        assert not has("Inbox", b"Delivered-To: else@example.com\r\n" + simple_message(2))
        assert not has("Inbox", simple_message(3)), "it came after the mark"
