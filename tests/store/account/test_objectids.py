"""Object ids: which thread a new message joins, and whose ids are ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account.handle import Account
from app.store.account.objectids import Kind, number_of, read_epoch, thread_of, write_objectid
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.support.accounts import add_now, temporary_account


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def thread(account: Account, message_id: str | None, *references: str) -> int:
    return account.read_now(lambda db: thread_of(db, message_id, references))


def test_a_message_joins_the_thread_of_its_nearest_known_ancestor(account: Account):
    for name in (b"root", b"other"):
        add_now(account, b"Message-ID: <%b@x>\r\n\r\n" % name)
    add_now(account, b"Message-ID: <child@x>\r\nReferences: <root@x>\r\n\r\n")
    assert thread(account, "new@x", "other@x", "root@x", "lost@x") == 1
    assert thread(account, "new@x", "root@x", "other@x") == 2
    assert thread(account, None, "child@x") == 1
    assert thread(account, "new@x", "lost@x") == 0
    assert thread(account, None) == 0


def test_another_copy_of_a_message_is_in_its_thread(account: Account):
    add_now(account, b"Message-ID: <root@x>\r\n\r\n")
    assert thread(account, "root@x") == 1


def test_only_the_last_references_are_looked_up(account: Account):
    add_now(account, b"Message-ID: <root@x>\r\n\r\n")
    assert thread(account, None, "root@x", *(f"{n}@x" for n in range(50_000))) == 0


def test_the_parent_comes_last_whatever_field_names_it():
    prepared = prepare(Body.of(b"In-Reply-To: <c@x>\r\nReferences: <a@x>\r\n <b@x>\r\n\r\n"))
    assert prepared.references == ("a@x", "b@x", "c@x")


def test_an_id_of_another_kind_or_account_or_form_names_nothing(account: Account):
    epoch = account.read_now(read_epoch)
    ours = write_objectid(Kind.EMAIL, 12, epoch)
    for objectid in (
        ours.replace("M", "T"),
        write_objectid(Kind.EMAIL, 12, epoch + 1),
        ours + "0",
        "M12",
        "M",
        "",
        "ü",
    ):
        assert account.read_now(lambda db, given=objectid: number_of(given, Kind.EMAIL, db)) == 0
    assert account.read_now(lambda db: number_of(ours, Kind.EMAIL, db)) == 12
