"""Mail from our own users: what is queued, and what it looks like."""

from __future__ import annotations

import asyncio
import email
import smtplib

import pytest

from app.smtpserver import local
from app.smtpserver.local import LocalMessage
from app.wire.smtp.address import parse_address
from tests.smtpserver.world import NOW, PASSWORD, World

JANE = "jane@example.com"


def submit(world: World, message, recipients=("friend@remote.example",), options=(), sender=JANE, rcpt_options=()):
    def client(port):
        with smtplib.SMTP("localhost", port, local_hostname="desk") as smtp:
            smtp.starttls(context=world.client_tls)
            smtp.login(sender, PASSWORD)
            return smtp.sendmail(sender, list(recipients), message, options, rcpt_options)

    async def work(places):
        await asyncio.to_thread(client, places["submission"].port)

    world.run_with(work)


def test_queued_message_is_completed_and_hides_where_the_user_is(world):
    submit(world, b"From: Jane <jane@example.com>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n")
    (queued,) = world.queued()
    assert queued.sender_account == "jane"
    assert str(queued.reverse_path) == JANE
    assert queued.subject == "grüße"
    assert not queued.has_8bit
    assert not queued.smtputf8
    content = world.queued_content(queued.base_id)
    message = email.message_from_bytes(content)
    assert message["Authentication-Results"].split() == ["mail.example.com;", "auth=pass", f"smtp.mailfrom={JANE}"]
    received = " ".join(message["Received"].split())
    assert received.startswith("from mail.example.com by mail.example.com ")
    assert "with ESMTPSA id" in received
    assert "127.0.0.1" not in received
    assert "desk" not in received
    assert message["Message-Id"] == queued.message_id
    assert message["Message-Id"].endswith("@mail.example.com>")
    assert message["Date"] == "Sun, 22 Nov 2026 16:37:19 +0000"
    assert content.endswith(b"\r\n\r\nhello\r\n")


def test_what_the_message_has_already_is_kept(world):
    submit(
        world,
        b"From: jane@example.com\r\nMessage-ID: <a@b>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n\xc3\xbc\r\n",
    )
    (queued,) = world.queued()
    message = email.message_from_bytes(world.queued_content(queued.base_id))
    assert (message.get_all("Message-Id"), len(message.get_all("Date"))) == (["<a@b>"], 1)
    assert queued.has_8bit
    assert not queued.smtputf8


def test_every_recipient_goes_through_the_queue_also_those_here(world):
    submit(world, b"From: jane@example.com\r\n\r\n.\r\n", ("joe@example.com", "friend@remote.example"))
    assert [str(one.recipient) for one in world.queued()] == ["joe@example.com", "friend@remote.example"]
    assert len({one.base_id for one in world.queued()}) == 1
    assert world.messages("joe") == []


def test_what_is_asked_of_notices_is_kept_as_the_next_server_will_be_told(world):
    submit(
        world,
        b"From: jane@example.com\r\n\r\n",
        options=("RET=hdrs", "ENVID=QQ+2B314"),
        rcpt_options=("NOTIFY=Success,FAILURE", "ORCPT=rfc822;old+2Bname@example.net"),
    )
    (queued,) = world.queued()
    assert (queued.ret, queued.envid) == ("HDRS", "QQ+2B314")
    assert (queued.notify, queued.orcpt) == ("FAILURE,SUCCESS", "rfc822;old+2Bname@example.net")


def test_future_release_sets_the_first_attempt(world):
    submit(world, b"From: jane@example.com\r\n\r\n", options=("HOLDFOR=600",))
    (queued,) = world.queued()
    assert queued.next_attempt == NOW + 600
    assert queued.future_release == "for;600"


@pytest.mark.parametrize(
    ("header", "require_tls"),
    [
        (b"TLS-Required: No\r\n", False),
        (b"tls-required:no\r\n", False),
        (b"TLS-Required: Yes\r\n", None),
        (b"TLS-Required: No\r\nTLS-Required: No\r\n", None),
        (b"X: TLS-Required: No\r\n", None),
    ],
)
def test_sender_may_waive_tls_in_the_header(world, header, require_tls):
    submit(world, header + b"From: jane@example.com\r\n\r\n")
    assert [one.require_tls for one in world.queued()] == [require_tls]


@pytest.mark.parametrize(
    ("recipients", "reply"),
    [
        (("a@remote.example", "b@remote.example", "c@remote.example"), b"550 5.7.1 this account may send to at most 2"),
        ([f"{name}@remote.example" for name in "abcde"], b"550 5.7.1 this account may send to at most 4 recipients"),
    ],
)
def test_message_with_more_recipients_than_a_day_allows_is_refused_for_good(world, recipients, reply):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(world, b"From: few@example.com\r\n\r\n", recipients, sender="few@example.com")
    assert (b"%d " % caught.value.smtp_code + caught.value.smtp_error).startswith(reply)
    assert world.queued() == []


def test_account_that_has_sent_enough_is_told_when_it_may_go_on(world):
    message = b"From: few@example.com\r\n\r\n"
    submit(world, message, ("a@remote.example", "A@remote.example", "b@remote.example"), sender="few@example.com")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(world, message, ("c@remote.example",), sender="few@example.com")
    assert caught.value.smtp_code == 451
    assert b"4.7.1 this account may send to at most 2 recipients" in caught.value.smtp_error
    assert b"never sent to before; try again after 2026-11-23 16:38 UTC" in caught.value.smtp_error
    submit(world, message, ("b@remote.example",), sender="few@example.com")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(world, message, ("b@remote.example",), sender="few@example.com")
    assert b"4.7.1 this account may send to at most 4 recipients in 24 hours; try" in caught.value.smtp_error
    submit(world, b"From: jane@example.com\r\n\r\n")


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: no author\r\n",
        b"From: joe@example.com\r\n",
        b"From: jane@example.com, lists@example.com\r\n",
        b"From: jane@example.com\r\nFrom: jane@example.com\r\n",
        b"From: private@example.com, jane@example.com\r\n",
        b"From: team@example.com\r\n",
        b"From: undisclosed\r\n",
        b"From: jane@example.com\r\nFrom : joe@example.com\r\n",
        b"From: jane:jane@example.com;\r\n",
        b"From: joe@example.com (<jane@example.com>)\r\n",
        b"From: jane@example.com" + b" " * (1 << 16) + b", joe@example.com\r\n",
        b"From: jane@example.com\r\n" + (b"X: " + b"y" * 990 + b"\r\n") * 1060 + b"From: joe@example.com\r\n",
    ],
    ids=lambda header: repr(header[:50]),
)
def test_from_must_be_one_address_of_the_account(world, header):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(world, header + b"\r\ntext\r\n")
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (550, b"5.7.1")
    assert world.queued() == []


@pytest.mark.parametrize(
    "header",
    [
        b" continued\r\nFrom: jane@example.com\r\n",
        b"no field\r\nFrom: jane@example.com\r\n",
        b"From: jane@example.com\r\n:x\r\n",
    ],
)
def test_header_that_readers_may_understand_differently_is_refused(world, header):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        submit(world, header + b"\r\ntext\r\n")
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (550, b"5.6.0")
    assert world.queued() == []


def test_member_may_write_as_an_alias_that_allows_it(world):
    submit(world, b"From: private@example.com\r\n\r\n")
    assert len(world.queued()) == 1


def test_large_message_is_queued_whole(world):
    text = b"0123456789abcdef\r\n" * 30_000
    submit(world, b"From: jane@example.com\r\n\r\n" + text)
    (queued,) = world.queued()
    assert world.queued_content(queued.base_id).endswith(b"\r\n\r\n" + text)


def deliver_local(world, recipient, author=JANE):
    message = LocalMessage(
        reverse_path=parse_address(author),
        recipient=parse_address(recipient),
        prefix=b"Received: by us\r\nMessage-Id: <1@x>\r\n",
        data=f"From: {author}\r\n\r\nhello\r\n".encode(),
    )
    return asyncio.run(local.deliver(world.resources, message))


def test_queued_mail_for_our_own_address_is_stored_as_if_it_had_come_by_smtp(world):
    assert str(deliver_local(world, "joe@example.com")).startswith("250 2.2.0")
    (stored,) = world.messages("joe")
    assert stored == (
        b"Delivered-To: joe@example.com\r\nReturn-Path: <jane@example.com>\r\n"
        b"Received: by us\r\nMessage-Id: <1@x>\r\nFrom: jane@example.com\r\n\r\nhello\r\n"
    )


def test_private_alias_takes_mail_of_a_member_who_was_signed_in(world):
    assert deliver_local(world, "private@example.com").code == 250
    assert (len(world.messages("joe")), len(world.messages("jane"))) == (1, 0)  # the author needs no copy
    assert str(deliver_local(world, "private@example.com", "locked@example.com")).startswith("550 5.7.2")


@pytest.mark.parametrize(
    ("recipient", "start"),
    [("nobody@example.com", "550 5.1.1"), ("gone@example.com", "550 5.1.1"), ("later@example.com", "451 4.3.0")],
)
def test_local_delivery_is_refused_as_by_smtp(world, recipient, start):
    assert str(deliver_local(world, recipient)).startswith(start)
