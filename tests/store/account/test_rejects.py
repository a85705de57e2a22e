"""The mailbox of refused mail: each message once, old ones go, delivered ones leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.store.account import mailboxes, messages, rejects
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.support.accounts import simple_message, temporary_account


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def refused(text: bytes) -> Incoming:
    return Incoming(mailbox="Rejects", prepared=prepare(Body.of(text)))


def keep(account, text: bytes, *, forever: bool = False):
    return account.write_now(lambda tx: rejects.keep(tx, refused(text), forever=forever))


def count(account) -> int:
    return account.read_now(lambda db: mailboxes.get(db, "Rejects").total)


WITH_ID = b"Message-Id: <a@example.org>\r\nSubject: one\r\n\r\ntext\r\n"


def test_a_message_is_kept_once(account):
    assert keep(account, WITH_ID) is not None
    assert keep(account, WITH_ID.replace(b"one", b"two")) is None
    assert keep(account, simple_message(1)) is not None
    assert keep(account, simple_message(1)) is None
    assert count(account) == 2


def test_old_ones_go_unless_they_are_kept(account, monkeypatch):
    monkeypatch.setattr(rejects, "MAX_KEPT", 3)
    for number in range(5):
        keep(account, simple_message(number))
    assert count(account) == 3
    for number in range(5, 8):
        keep(account, simple_message(number), forever=True)
    assert count(account) == 6
    account.write_now(lambda tx: tx.db.execute("UPDATE message SET savedate = savedate - ?", (rejects.KEPT_S + 1,)))
    keep(account, simple_message(9))
    assert count(account) == 1


def test_what_is_delivered_after_all_leaves(account):
    keep(account, WITH_ID)
    keep(account, simple_message(1))
    account.write_now(lambda tx: rejects.forget(tx, "Rejects", "a@example.org"))
    account.write_now(lambda tx: rejects.forget(tx, "Rejects", None))
    account.write_now(lambda tx: rejects.forget(tx, "Nowhere", "a@example.org"))
    assert count(account) == 1


def test_a_copy_elsewhere_does_not_keep_a_refused_message_out(account):
    account.write_now(lambda tx: messages.deliver(tx, Incoming(mailbox="Inbox", prepared=prepare(Body.of(WITH_ID)))))
    assert keep(account, WITH_ID) is not None
