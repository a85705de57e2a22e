"""Mail from other servers: what is stored, what is refused, and what the sender hears."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import resource
import smtplib
import tracemalloc

import pytest

from app.errors import Temporary
from app.smtpserver.transaction import Transaction
from app.wire.smtp.address import NULL_PATH
from app.wire.smtp.params import parse_mail_params
from tests.smtpserver.world import HOST, World, greeted

SENDER = "sender@example.org"
MESSAGE = b"From: sender@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"


def send(world: World, recipients, message=MESSAGE, service="smtp", sender=SENDER):
    """Send with Python's own client; the refusals by recipient, or the exception."""

    def client(port):
        with smtplib.SMTP(HOST, port, local_hostname="client.example") as smtp:
            return smtp.sendmail(sender, recipients, message, ["SMTPUTF8"] if not sender.isascii() else [])

    results = []

    async def work(places):
        results.append(await asyncio.to_thread(client, places[service].port))

    world.run_with(work)
    return results[0]


def test_stored_message_has_our_fields_in_front_and_its_bytes_unchanged(world):
    send(world, ["jane+x@example.com"])
    (stored,) = world.messages("jane")
    assert stored.endswith(MESSAGE)
    prefix = stored.removesuffix(MESSAGE).decode()
    assert re.fullmatch(
        r"Delivered-To: jane\+x@example\.com\r\n"
        r"Return-Path: <sender@example\.org>\r\n"
        r"Received: from client\.example \(\[127\.0\.0\.1\]\) by mail\.example\.com\s+\(\[127\.0\.0\.1\]\)"
        r"\s+via tcp with\s+ESMTP id\s+[A-Za-z0-9_-]{22}\s+for\s+<jane\+x@example\.com>;"
        r"[^<]+22 Nov 2026\s+\d\d:\d\d:\d\d \+0000\r\n",
        prefix,
    ), prefix


def test_received_names_no_recipient_when_there_are_several(world):
    send(world, ["jane@example.com", "joe@example.com"])
    for account in ("jane", "joe"):
        (stored,) = world.messages(account)
        assert b" for <" not in stored


@pytest.mark.parametrize(
    ("recipient", "account", "mailbox"),
    [
        ("lists@example.com", "jane", "Lists"),
        ("postmaster@example.com", "jane", "Postmaster"),
        ("postmaster", "jane", "Postmaster"),
        ("Postmaster@mail.example.com", "jane", "Postmaster"),
        ("Any.Thing@catchall.example", "joe", "Inbox"),
        ("JANE+a+b@EXAMPLE.com", "jane", "Inbox"),
    ],
)
def test_where_an_address_leads(world, recipient, account, mailbox):
    send(world, [recipient])
    assert len(world.messages(account, mailbox)) == 1


def test_public_alias_reaches_each_member_once_and_not_those_addressed_directly(world):
    send(world, ["team@example.com", "jane@example.com"])
    assert len(world.messages("jane")) == 1
    (stored,) = world.messages("joe")
    assert stored.startswith(b"Delivered-To: team@example.com\r\n")


def test_private_alias_takes_nothing_from_somebody_unverified(world):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["private@example.com"], MESSAGE.replace(b"sender@example.org", b"jane@example.com"))
    assert caught.value.smtp_code == 550
    assert b"5.7.2" in caught.value.smtp_error


def test_some_recipients_fail_and_the_sender_gets_a_notification(world):
    send(world, ["jane@example.com", "nobody@example.com"])
    assert len(world.messages("jane")) == 1
    (queued,) = world.queued()
    assert queued.is_dsn
    assert queued.reverse_path == NULL_PATH
    assert str(queued.recipient) == SENDER
    notice = email.message_from_bytes(world.queued_content(queued.base_id), policy=email.policy.default)
    assert notice.get_content_type() == "multipart/report"
    assert "nobody@example.com" in notice.as_string()
    assert "Action: failed" in notice.as_string()
    assert "hello" in notice.as_string()


def test_all_recipients_fail_differently_and_each_is_named(world):
    world.quota["joe"] = 1
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["joe@example.com", "nobody@example.com"])
    assert caught.value.smtp_code == 452
    assert b"<joe@example.com>: the mailbox is full" in caught.value.smtp_error
    assert b"<nobody@example.com>: no such user" in caught.value.smtp_error
    assert world.queued() == []


def test_many_failures_are_told_in_a_reply_of_bounded_length(world):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["private@example.com", *(f"nobody{number}@example.com" for number in range(900))])
    assert caught.value.smtp_code == 550
    lines = caught.value.smtp_error.split(b"\n")
    assert b"<nobody0@example.com>: no such user" in lines[1]
    assert (len(lines), b"and 881 more recipients" in lines[-1]) == (21, True)


def test_recipient_that_is_named_twice_gets_one_message(world):
    send(world, ["jane@example.com"] * 50 + ["jane+x@example.com"])
    assert sorted(stored.split(b"\r\n")[0] for stored in world.messages("jane")) == [  # they are stored at once
        b"Delivered-To: jane+x@example.com",
        b"Delivered-To: jane@example.com",
    ]


def test_single_recipient_over_quota_is_refused_and_nobody_notified(world):
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["joe@example.com"], MESSAGE + b"x" * 5000)
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (452, b"4.2.2")
    assert world.queued() == []


def test_a_store_that_fails_gives_451_and_loses_nothing(world, monkeypatch):
    account = world.accounts.open_now("jane")

    async def fail(fn):
        raise Temporary("disk full")

    monkeypatch.setattr(account, "write", fail)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["jane@example.com"])
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (451, b"4.3.0")


@pytest.mark.parametrize(("size", "reply"), [(900_000, b"451 4.3.0"), (3_000_000, b"452 4.3.1")])
def test_disk_that_takes_no_more_is_told_and_the_connection_goes_on(tmp_path, size, reply):
    world = World(tmp_path, max_size=10 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    line = b"x" * 98 + b"\r\n"

    async def one(reader, writer, lines):
        writer.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n")
        for _ in range(3):
            await reader.readline()
        writer.write(b"Subject: x\r\n\r\n" + line * lines + b".\r\n")
        return await reader.readline()

    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, hard))
        try:
            assert (await one(reader, writer, size // 100)).startswith(reply)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(world.accounts.tmp_dir.iterdir()) == []
        assert (await one(reader, writer, size // 100)).startswith(b"250 2.2.0")
        writer.close()

    world.run_with(work)
    assert len(world.messages("jane")) == 1
    world.close()


def test_an_error_of_ours_is_451_and_the_connection_goes_on(world, monkeypatch):
    monkeypatch.setattr("app.smtpserver.incoming.arrival", lambda body: 1 / 0)
    world.run("""
        connect main smtp
        S+ 220
        C: EHLO client.example
        S+ 250
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<jane@example.com>
        C: DATA
        S+ 250
        S+ 250
        S+ 354
        C: .
        S+ 451 4.3.0
        C: NOOP
        S+ 250
    """)


def test_hundred_received_fields_are_no_loop_and_one_more_is(world):
    hops = b"Received: from a by b; 1 Jan 2026 00:00:00 +0000\r\n"
    send(world, ["jane@example.com"], hops * 100 + MESSAGE)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["jane@example.com"], hops * 101 + MESSAGE)
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (550, b"5.4.6")


@pytest.mark.parametrize("size", [0, 70_000, 300_000, 900_000])
def test_messages_of_any_size_arrive_whole(world, size):
    message = MESSAGE + b"0123456789.abcdef\r\n" * (size // 19)
    send(world, ["jane@example.com"], message)
    (stored,) = world.messages("jane")
    assert stored.endswith(message)


def test_message_over_the_limit_is_refused(world):
    world.run("""
        connect main smtp
        S+ 220
        C: EHLO client.example
        S+ 250
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<jane@example.com>
        C: DATA
        S+ 250
        S+ 250
        S+ 354
        C: %s
        C: .
        S+ 552 5.3.4
        C: NOOP
        S+ 250
    """ % ("x" * (1 << 20)))  # fmt: skip
    assert world.messages("jane") == []


def test_message_without_a_header_gets_an_empty_one(world):
    send(world, ["jane@example.com"], b"just text\r\n")
    (stored,) = world.messages("jane")
    assert stored.endswith(b"\r\n\r\njust text\r\n")


def test_internationalised_addresses(world):
    message = "From: ü@bücher.example\r\n\r\ntext\r\n".encode()
    send(world, ["jane@example.com"], message, sender="ü@bücher.example")
    (stored,) = world.messages("jane")
    assert "Return-Path: <ü@bücher.example>\r\n".encode() in stored
    assert b"with UTF8SMTP " in stored.replace(b"\r\n", b"")


def test_a_client_that_leaves_in_the_middle_leaves_nothing(world):
    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        writer.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n")
        while not (await reader.readline()).startswith(b"354"):
            pass
        writer.write(b"Subject: half\r\n" * 60_000)
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.05)

    world.run_with(work)
    assert world.messages("jane") == []


def test_too_many_messages_from_one_network_wait(world):
    world.resources.rates.allow_message = lambda *facts: False
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(world, ["jane@example.com"])
    assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (452, b"4.2.2")


def test_many_connections_deliver_at_once(world):
    count = 40

    async def one(port, number):
        reader, writer = await greeted(port)
        wire = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\nDATA\r\n"
        writer.write(wire)
        for _ in range(3):
            await reader.readline()
        writer.write(b"Subject: %d\r\n\r\n.\r\n" % number)
        reply = await reader.readline()
        writer.close()
        return reply

    async def work(places):
        world.resources.rates.concurrent = type(world.resources.rates.concurrent)((100, 100, 100))
        replies = await asyncio.gather(*(one(places["smtp"].port, number) for number in range(count)))
        assert all(reply.startswith(b"250 2.2.0") for reply in replies)

    world.run_with(work)
    subjects = {re.search(rb"Subject: (\d+)", stored)[1] for stored in world.messages("jane")}
    assert len(subjects) == count


def test_chunk_that_comes_in_pieces_is_taken(world):
    async def work(places):
        reader, writer = await greeted(places["smtp"].port)
        writer.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<jane@example.com>\r\n")
        await reader.readline()
        await reader.readline()
        for piece in (b"BDAT 19 LA", b"ST\r\nSubject: aa\r", b"\n\r", b"\ntext"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        assert (await reader.readline()).startswith(b"250 2.2.0")

    world.run_with(work)
    (stored,) = world.messages("jane")
    assert stored.endswith(b"Subject: aa\r\n\r\ntext")


def test_message_in_chunks_of_a_byte_takes_little_memory(tmp_path):
    transaction = Transaction(reverse_path=NULL_PATH, params=parse_mail_params("", frozenset()), tmp_dir=tmp_path)
    tracemalloc.start()
    for _ in range(100_000):
        transaction.write(b"".join((b"x", b"y")))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 300_000
    body = transaction.finish()
    assert body.data == b"xy" * 100_000


def test_message_that_takes_half_an_hour_ends_the_connection(world, monkeypatch):
    monkeypatch.setattr("app.smtpserver.connection.DATA_S", -1.0)
    world.run("""
        connect main smtp
        S+ 220
        C: EHLO client.example
        S+ 250
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<jane@example.com>
        C: DATA
        S+ 250
        S+ 250
        S+ 354
        S+ 421 4.4.2
        closed
    """)
