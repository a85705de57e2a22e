"""Mail as it arrives, and a message that leaves, as the set-up sees them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.ctl.protocol import ControlError
from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.queuerecords import QueueFilter
from app.store.spool import Body
from tests.support.control import ControlWorld

PREFIX = (
    b"Delivered-To: jane@example.com\r\nReturn-Path: <joe@example.net>\r\n"
    b"Authentication-Results: mail.example.com; spf=pass smtp.mailfrom=example.net;\r\n\tdkim=none\r\n"
    b"Received: from mx.example.net ([192.0.2.7]) by mail.example.com ([192.0.2.1]) via tcp with ESMTPS id abc\r\n"
    b"\t(TLS1.3 TLS_AES_128_GCM_SHA256) for <jane@example.com>; Mon, 23 Nov 2026 02:00:00 +0000\r\n"
)
MESSAGE = b"From: =?utf-8?q?J=C3=B6e?= <joe@example.net>\r\nSubject: <b>hi\x1b[31m</b>\r\n\r\nspf=fail\r\n"


def deliver(world: ControlWorld, message: bytes, prefix: bytes) -> None:
    account = world.accounts.open_now("jane")
    incoming = Incoming(mailbox="Inbox", prepared=prepare(Body.of(message)), prefix=prefix)
    account.write_now(lambda tx: messages.deliver(tx, incoming))


def test_what_arrives_is_told_with_what_was_checked_and_only_once(tmp_path: Path) -> None:
    world = ControlWorld(tmp_path)
    deliver(world, MESSAGE, PREFIX)
    deliver(world, b"Subject: put there by a mail program\r\n\r\n", b"")
    found = world.run_with_client(lambda client: client.call("arrivals", {"account": "jane"}))
    assert isinstance(found, dict)
    rows = found["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    row = rows[0]
    assert isinstance(row, dict)
    assert row["sender"] == "Jöe <joe@example.net>"
    assert row["subject"] == "<b>hi\ufffd[31m</b>"
    assert (row["peer"], row["tls"], row["checks"]) == ("192.0.2.7", "TLS1.3", ["spf=pass", "dkim=none"])
    again = ControlWorld(tmp_path).run_with_client(
        lambda client: client.call("arrivals", {"account": "jane", "since": found["modseq"]})
    )
    assert again == {"modseq": found["modseq"], "rows": []}


def test_a_test_message_is_queued_in_the_name_of_the_account(tmp_path: Path) -> None:
    world = ControlWorld(tmp_path)
    address = {"from": "jane@example.com", "to": "old@example.net"}

    def talk() -> None:
        finding = world.queue.find(QueueFilter(recipient="old@example.net"))
        (row,) = asyncio.run_coroutine_threadsafe(finding, world.loop).result(10)
        assert row.sender_account == "jane"
        assert str(row.reverse_path) == "jane@example.com"

    def both() -> None:
        from app.ctl.client import connect

        with connect(world.live.data_dir) as client:
            client.call("sendtest", address)
        talk()

    world.run(both)


@pytest.mark.parametrize(
    ("sender", "to"),
    [
        ("jane@example.com", "not an address"),
        ("jane@example.com", "jane@example.com"),
        ("joe@example.net", "old@example.net"),
        ("jane", "old@example.net"),
    ],
)
def test_a_test_message_that_proves_nothing_is_refused(tmp_path: Path, sender: str, to: str) -> None:
    with pytest.raises(ControlError):
        ControlWorld(tmp_path).run_with_client(lambda client: client.call("sendtest", {"from": sender, "to": to}))
