"""What senders are told who asked to be told (RFC 3461): by us, or by the next server."""

from __future__ import annotations

import asyncio
import email
from pathlib import Path

import pytest

from app.store.queuerecords import NewRecipient, Queued, Report
from app.wire.smtp.address import parse_address
from tests.support.measuring import moves
from tests.support.queues import message, running_queue
from tests.support.smtpsink import SmtpSink

ZONE = {"a.example": {"MX": ["10 mx.a.example"]}, "mx.a.example": {"A": ["127.0.0.1"]}}
PLAIN = ("PIPELINING", "8BITMIME")


def told(directory: Path, sink: SmtpSink, to: str, notify: str) -> list[bytes]:
    """The notices that the sender gets."""
    recipient = NewRecipient(path=parse_address(to), notify=notify, orcpt="rfc822;old+2Bname@example.net")

    async def scenario() -> list[bytes]:
        async with sink, running_queue(directory, ZONE, sink.port) as bench:
            await bench.send(message(recipients=(recipient,), envid="QQ+2B314", ret="HDRS"))
            return [one for one in await bench.inbox() if b"multipart/report" in one]

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_server_that_knows_notices_is_told_and_we_say_nothing(tmp_path):
    sink = SmtpSink(offers=(*PLAIN, "DSN"))
    assert told(tmp_path, sink, "x@a.example", "SUCCESS") == []
    assert any(line.endswith(" RET=HDRS ENVID=QQ+2B314") for line in sink.commands)
    assert "RCPT TO:<x@a.example> NOTIFY=SUCCESS ORCPT=rfc822;old+2Bname@example.net" in sink.commands


def test_of_a_server_that_does_not_we_say_that_it_took_the_message(tmp_path):
    sink = SmtpSink(offers=PLAIN)
    (notice,) = told(tmp_path, sink, "x@a.example", "SUCCESS,FAILURE")
    assert not any("NOTIFY" in line or "ENVID" in line for line in sink.commands)
    assert b"Action: relayed\r\nStatus: 2.0.0" in notice
    assert b"Original-Envelope-Id: QQ+314" in notice
    assert b"Original-Recipient: rfc822; old+name@example.net" in notice
    parsed = email.message_from_bytes(notice)
    assert parsed["Subject"] == "Your message was passed on"
    assert "That server does not tell" in str(parsed.get_payload(0))


def test_of_our_own_mailboxes_we_say_that_it_is_there(tmp_path):
    (notice,) = told(tmp_path, SmtpSink(), "jane@example.org", "SUCCESS")
    assert b"Action: delivered" in notice
    assert email.message_from_bytes(notice)["Subject"] == "Your message was delivered"


@pytest.mark.parametrize("notify", ["", "NEVER", "FAILURE", "DELAY,FAILURE"])
def test_a_delivery_is_told_only_to_those_who_asked(tmp_path, notify):
    assert told(tmp_path, SmtpSink(offers=PLAIN), "x@a.example", notify) == []


@pytest.mark.parametrize(("notify", "count"), [("", 1), ("FAILURE", 1), ("SUCCESS", 0), ("NEVER", 0)])
def test_a_failure_is_told_unless_asked_otherwise(tmp_path, notify, count):
    assert len(told(tmp_path, SmtpSink(faults={"rcpt": b"550 no\r\n"}), "x@a.example", notify)) == count


@pytest.mark.parametrize(("reply", "words"), [(b"550 5.1.1 nobody\r\n", ["x@a.example"]), (b"450 later\r\n", [])])
def test_of_a_report_that_is_refused_for_good_the_sender_of_reports_hears_and_nobody_else(tmp_path, reply, words):
    heard = []

    async def refused(queued: Queued, said: str) -> None:
        heard.append(str(queued.recipient))
        assert "5.1.1 nobody" in said

    async def scenario() -> list[bytes]:
        sink = SmtpSink(faults={"rcpt": reply})
        async with sink, running_queue(tmp_path, ZONE, sink.port, report_refused=refused) as bench:
            await bench.send(message("x@a.example", report=Report.DMARC, sender_account=""))
            return await bench.inbox()

    with moves("mox_queue_dmarcreport_failure_total", by=len(words)):
        assert asyncio.run(asyncio.wait_for(scenario(), 20)) == []
    assert heard == words
