"""The queue as a whole, with real DNS, real servers and real accounts on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from app.errors import Temporary
from app.queue import dispatcher as dispatching
from app.store.queuedb import QueueDb
from app.store.queuerecords import NewRecipient, QueueFilter
from app.wire.smtp.address import NULL_PATH, parse_address
from tests.support.dns import Zone
from tests.support.queues import BODY, Bench, message, running_queue
from tests.support.smtpsink import CLOSE, HANG, SmtpSink, make_context

T = TypeVar("T")
EVERYTHING = QueueFilter()
LOCAL = {"A": ["127.0.0.1"]}


def zone() -> Zone:
    return {
        "a.example": {"MX": ["10 mx.a.example"]},
        "b.example": {"MX": ["10 mx.a.example"]},
        "two.example": {"MX": ["20 mx.a.example", "10 down.example"]},
        "mx.a.example": dict(LOCAL),
        "down.example": {"A": ["127.0.0.3"]},
        "plain.example": dict(LOCAL),
        "alias.example": {"CNAME": ["plain.example"]},
        "silent.example": {"A": ["127.0.0.4"]},
        "null.example": {"MX": ["0 ."]},
        "empty.example": {"MX": ["10 nowhere.example"]},
        "broken.example": {"RCODE": "SERVFAIL"},
        "loop.example": {"MX": ["10 mx.example.org", "20 mx.a.example"]},
        "backup.example": {"MX": ["10 mx.a.example", "20 mx.example.org"]},
    }


def run(
    directory: Path, work: Callable[[Bench, SmtpSink], Awaitable[T]], sink: SmtpSink | None = None, **more: object
) -> T:
    async def scenario() -> T:
        async with sink or SmtpSink() as server, running_queue(directory, zone(), server.port, **more) as bench:  # type: ignore[arg-type]
            return await work(bench, server)

    return asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize(
    "recipient",
    ["x@a.example", "x@two.example", "x@plain.example", "x@alias.example", "x@[127.0.0.1]", "x@backup.example"],
)
def test_direct_delivery_finds_the_server(tmp_path, recipient):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message(recipient))
        assert [taken.data for taken in sink.messages] == [BODY]
        assert await bench.setup.db.find(EVERYTHING) == []

    run(tmp_path, work)


def test_recipients_of_a_domain_share_a_transaction(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example", "y@a.example", "z@b.example"))
        assert sorted(taken.recipients for taken in sink.messages) == [
            ["<x@a.example>", "<y@a.example>"],
            ["<z@b.example>"],
        ]

    run(tmp_path, work)


def test_messages_share_a_connection(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        for _ in range(3):
            await bench.send(message("x@a.example"))
        assert len(sink.messages) == 3
        assert sink.connections == 1

    run(tmp_path, work)


@pytest.mark.parametrize("fault", [CLOSE, b"421 idle for too long\r\n"])
def test_kept_connection_that_has_died_costs_nothing(tmp_path, fault):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example"))
        await bench.send(message("x@a.example"))
        assert len(sink.messages) == 2
        assert await bench.setup.db.find(EVERYTHING) == []

    run(tmp_path, work, SmtpSink(faults={"mail": [None, fault]}))


def test_starttls_is_used_when_offered(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example"))
        assert [taken.tls for taken in sink.messages] == [True]

    run(tmp_path, work, SmtpSink(tls=make_context()))


@pytest.mark.parametrize("fault", [b"454 not now\r\n", b"220 go\r\nno handshake"])
def test_plain_text_when_tls_fails(tmp_path, fault):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example"))
        assert [taken.tls for taken in sink.messages] == [False]
        assert sink.connections == 2

    run(tmp_path, work, SmtpSink(tls=make_context(), faults={"starttls": fault}))


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("x@missing.example", "5.1.2"),
        ("x@null.example", "5.1.10"),
        ("x@empty.example", "5.4.4"),
        ("x@loop.example", "5.4.6"),
        ("nobody@example.org", "5.1.1"),
    ],
)
def test_hopeless_recipients_fail_at_once_with_a_notification(tmp_path, recipient, code):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message(recipient))
        assert await bench.setup.db.find(EVERYTHING) == []
        (notice,) = await bench.inbox()
        assert b"Action: failed\r\nStatus: " + code.encode() in notice
        assert sink.messages == []

    run(tmp_path, work)


def test_refused_recipient_is_told_of_while_the_other_gets_it(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example", "y@a.example"))
        (notice,) = await bench.inbox()
        assert b"Final-Recipient: rfc822; x@a.example" in notice
        assert b"y@a.example" not in notice
        assert b"Diagnostic-Code: smtp; 550 5.1.1 unknown" in notice
        assert b"Remote-MTA: dns; mx.a.example (127.0.0.1)" in notice
        assert sink.messages[0].recipients == ["<y@a.example>"]

    run(tmp_path, work, SmtpSink(faults={"rcpt": [b"550 5.1.1 unknown\r\n", None]}))


def test_suppressed_address_fails_without_a_connection_and_others_get_the_message(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.setup.db.suppressions.add("jane", parse_address("X.y@a.example"), "gone")
        await bench.send(message("xy+shop@a.example", "z@a.example", "x.Y@b.example"))
        (notice,) = await bench.inbox()
        assert b"Final-Recipient: rfc822; xy+shop@a.example" in notice
        assert b"does not send to the address" in notice
        assert sorted(taken.recipients for taken in sink.messages) == [["<x.Y@b.example>"], ["<z@a.example>"]]
        assert await bench.setup.db.suppressions.remove("jane", parse_address("xy@a.example"))
        await bench.send(message("xy@a.example"))
        assert sink.messages[-1].recipients == ["<xy@a.example>"]

    run(tmp_path, work)


@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail", "rcpt", "data", "body"])
@pytest.mark.parametrize("fault", [b"451 later\r\n", b"421 busy\r\n", CLOSE, b"what?\r\n"])
def test_temporary_trouble_at_any_step_defers_and_the_next_attempt_delivers_once(tmp_path, step, fault):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example"))
        (row,) = await bench.setup.db.find(EVERYTHING)
        assert (row.attempts, len(sink.messages)) == (1, 0)
        assert abs(row.next_attempt - bench.clock.time - 450) <= 5
        (attempt,) = await bench.setup.db.attempts(row.id)
        assert attempt.error
        assert attempt.ip == "127.0.0.1"
        await bench.later(500)
        assert len(sink.messages) == 1
        assert await bench.setup.db.find(EVERYTHING) == []
        assert await bench.inbox() == []

    run(tmp_path, work, SmtpSink(faults={step: [fault]}))


def test_what_was_said_is_kept_with_a_failed_attempt(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example"))
        await bench.later(500)
        (row,) = await bench.setup.db.find(EVERYTHING)
        texts = []
        for attempt in await bench.setup.db.attempts(row.id):
            assert attempt.has_dialogue
            texts.append(await bench.setup.db.dialogue(row.id, attempt.id) or "")
        first, second = ([line[8:] for line in text.splitlines()] for text in texts)
        assert first[:4] == [
            f"*  connected to mx.a.example [127.0.0.1] port {sink.port}",
            "S: 220 sink ESMTP",
            "C: EHLO mx.example.org",
            "S: 250 sink",
        ]
        assert first[-3:] == [
            "S: 354 go",
            f"*  {len(BODY) + 3} bytes of the message were sent",
            "S: 451 4.3.0 later",
        ]
        assert "hi" not in first  # the message itself
        assert any("earlier messages have used" in line or "connected to" in line for line in second)

    run(tmp_path, work, SmtpSink(faults={"body": b"451 4.3.0 later\r\n"}))


def test_much_mail_for_one_domain_does_not_hide_what_is_due_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatching, "MAX_LOOK", 2)

    async def work(bench: Bench, sink: SmtpSink) -> None:
        later = bench.clock.time + 10
        async with SmtpSink(host="127.0.0.4", port=sink.port, faults={"greeting": HANG}):
            for _ in range(5):
                await bench.setup.db.add(message("x@silent.example", not_before=later))
            await bench.setup.db.add(message("y@plain.example", not_before=later + 1))
            bench.clock.time += 20
            bench.dispatcher.kick()
            await sink.heard("RCPT TO:<y@plain.example>")
            assert [row.attempts for row in await bench.setup.db.find(EVERYTHING)].count(0) == 3

    run(tmp_path, work)


def test_one_senders_thousands_do_not_keep_anothers_single_message_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatching, "MAX_RUN", 3)

    async def work(bench: Bench, sink: SmtpSink) -> None:
        later = bench.clock.time + 10
        for number in range(60):
            await bench.setup.db.add(message(f"u{number}@a.example", not_before=later))
        await bench.setup.db.add(message("single@a.example", not_before=later + 1, sender_account="joe"))
        await bench.later(20)
        order = [taken.recipients[0] for taken in sink.messages]
        assert len(order) == 61
        assert order.index("<single@a.example>") < 4 * 3

    run(tmp_path, work)


def test_schedule_delay_notice_and_final_failure(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        start = bench.clock.time
        times = []
        await bench.send(message("x@broken.example"))
        while rows := await bench.setup.db.find(EVERYTHING):
            times.append(bench.clock.time - start)
            await bench.later(rows[0].next_attempt - bench.clock.time)
        times.append(bench.clock.time - start)
        expected = [0, 7.5, 22.5, 52.5, 112.5, 232.5, 472.5, 952.5]
        assert [round(seconds / 60) for seconds in times] == pytest.approx(expected, abs=12)
        delay, failure = await bench.inbox()
        assert b"Action: delayed" in delay
        assert b"Will-Retry-Until" in delay
        assert b"Action: failed\r\nStatus: 4.4.3" in failure

    run(tmp_path, work)


def test_nobody_is_told_about_a_null_reverse_path_or_against_notify(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@missing.example", sender=NULL_PATH))
        await bench.send(message("x@missing.example", is_dsn=True))
        quiet = (NewRecipient(path=parse_address("x@missing.example"), notify="NEVER"),)
        await bench.send(message(recipients=quiet))
        assert await bench.inbox() == []
        assert await bench.setup.db.find(EVERYTHING) == []

    run(tmp_path, work)


def test_our_own_addresses_do_not_leave(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("jane@example.org", prefix=b"Received: x\r\n"))
        assert await bench.inbox() == [
            b"Delivered-To: jane@example.org\r\nReturn-Path: <jane@example.org>\r\nReceived: x\r\n" + BODY
        ]
        assert sink.connections == 0

    run(tmp_path, work)


def test_localserve_delivers_everything_here_but_special_localparts(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example", "queue550@a.example", "queuetemperror@a.example"))
        assert len(await bench.inbox()) == 2  # the message, and the notification of the 550
        (row,) = await bench.setup.db.find(EVERYTHING)
        assert row.recipient.localpart == "queuetemperror"
        assert sink.connections == 0

    run(tmp_path, work, is_localserve=True)


def test_held_messages_wait_and_operators_decide(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        new = message("x@a.example", "y@b.example", not_before=bench.clock.time + 1000)
        ids = await bench.send(new)
        await bench.setup.db.hold(QueueFilter(ids=(ids[0],)), True)
        await bench.later(2000)
        assert [taken.recipients for taken in sink.messages] == [["<y@b.example>"]]
        await bench.setup.db.fail(EVERYTHING)
        await bench.dispatcher.settled()
        (notice,) = await bench.inbox()
        assert b"operator" in notice

    run(tmp_path, work)


RELAY = """
    Transports:
        relay:
            SMTP:
                Host: 127.0.0.1
                Port: PORT
                NoSTARTTLS: true
        strict:
            Submission:
                Host: 127.0.0.1
                Port: PORT
        nothing:
            Fail:
                SMTPCode: 451
                SMTPMessage: closed
"""
ROUTES = """
    Routes:
        -
            ToDomain:
                - .a.example
            Transport: TRANSPORT
"""


def relayed(directory: Path, transport: str, work: Callable[[Bench, SmtpSink], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with SmtpSink() as sink:
            static = RELAY.replace("PORT", str(sink.port))
            dynamic = ROUTES.replace("TRANSPORT", transport)
            async with running_queue(directory, {}, 1, static, dynamic) as bench:
                await work(bench, sink)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_route_to_a_relay_needs_no_dns(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        await bench.send(message("x@a.example", "y@sub.a.example"))
        assert sorted(taken.recipients for taken in sink.messages) == [["<x@a.example>"], ["<y@sub.a.example>"]]

    relayed(tmp_path, "relay", work)


@pytest.mark.parametrize(("transport", "error"), [("strict", "STARTTLS"), ("nothing", "451 4.7.0 closed")])
def test_transport_that_cannot_be_used_makes_mail_wait(tmp_path, transport, error):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        (number,) = await bench.send(message("x@a.example"))
        (attempt,) = await bench.setup.db.attempts(number)
        assert error in attempt.error
        assert sink.messages == []

    relayed(tmp_path, transport, work)


def test_ten_deliveries_at_once_and_one_per_domain(tmp_path):
    async def work(bench: Bench, sink: SmtpSink) -> None:
        names = [f"d{n}.example" for n in range(15)]
        await bench.setup.db.add(message(*(f"x@{name}" for name in names), "y@d0.example"))
        await sink.heard("DATA", 10)
        assert sink.connections == 10
        assert len(bench.dispatcher._running) == 10
        assert sink.commands.count("RCPT TO:<x@d0.example>") + sink.commands.count("RCPT TO:<y@d0.example>") == 2

    async def scenario() -> None:
        domains: Zone = {f"d{n}.example": dict(LOCAL) for n in range(15)}
        async with SmtpSink(faults={"body": HANG}) as sink, running_queue(tmp_path, domains, sink.port) as bench:
            await work(bench, sink)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_disk_that_does_not_take_a_result_does_not_send_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatching, "STORE_AGAIN_S", 0.01)

    async def work(bench: Bench, sink: SmtpSink) -> None:
        finish, failures = bench.setup.db.finish, [1, 2, 3]

        async def failing(results: object) -> None:
            if failures:
                failures.pop()
                raise Temporary("disk full")
            await finish(results)  # type: ignore[arg-type]

        monkeypatch.setattr(bench.setup.db, "finish", failing)
        await bench.send(message("x@a.example"))
        await bench.later(100_000)
        assert len(sink.messages) == 1
        assert await bench.setup.db.find(EVERYTHING) == []

    run(tmp_path, work)


def test_stopping_gives_back_what_was_not_attempted(tmp_path):
    async def scenario() -> None:
        async with SmtpSink(faults={"body": HANG}) as sink:
            async with running_queue(tmp_path, zone(), sink.port) as bench:
                for _ in range(3):
                    await bench.setup.db.add(message("x@a.example", not_before=bench.clock.time + 10))
                bench.clock.time += 10
                bench.dispatcher.kick()
                await sink.heard("DATA")
            queue = QueueDb.open(tmp_path / "data", bench.clock)
            assert sorted(row.attempts for row in await queue.find(EVERYTHING)) == [0, 0, 1]
            queue.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))
