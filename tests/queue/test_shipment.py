"""Messages in the form that a server takes: 7 bits with signatures that hold, SMTPUTF8 only where it is needed."""

from __future__ import annotations

import asyncio
import time
from email import message_from_bytes

import dkim
import pytest

from app.queue.conversion import converted
from app.store.queuedb import Content
from app.store.queuerecords import QueueFilter
from app.store.spool import Body
from app.trust.dkim.keys import load_key, make_ed25519, make_rsa
from app.trust.dkim.sign import Selector, sign
from app.wire.domain import Domain
from app.wire.smtp.address import parse_address
from tests.support.queues import Bench, message, running_queue
from tests.support.smtpsink import SmtpSink

KEYS = {"r": load_key(make_rsa()), "e": load_key(make_ed25519())}
HEADER = b"From: Jane <jane@example.org>\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n"
TEXT = "Grüße, und noch mehr Wörter\r\n".encode()
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
ZONE = {"a.example": {"MX": ["10 mx.a.example"]}, "mx.a.example": {"A": ["127.0.0.1"]}}
NEITHER = ("PIPELINING", "SIZE 1000000")


class Configuration:
    """Only the keys."""

    directory = None

    def selectors(self, domain: Domain) -> tuple[Selector, ...]:
        assert domain == Domain("example.org")
        return tuple(Selector(name=name, domain=domain, key=key) for name, key in KEYS.items())


def records(name: bytes, timeout: int = 5) -> bytes:
    return KEYS[name.decode().partition(".")[0]].record().encode()


@pytest.mark.parametrize("repeat", [1, 5000], ids=["small", "in a thread"])
def test_signatures_are_made_again_after_conversion(repeat):
    body = HEADER + MIME + TEXT * repeat
    now = int(time.time())
    ours = sign(body, Configuration().selectors(Domain("example.org")), identity=None, now=now)
    content = Content(b"Received: by us\r\n" + ours, body)
    found = asyncio.run(converted(Configuration(), content, now))  # type: ignore[arg-type]
    whole = found.prefix + found.body[:]
    assert whole.isascii()
    assert whole.count(b"DKIM-Signature:") == 2
    assert all(dkim.DKIM(whole).verify(index, dnsfunc=records) for index in range(2))
    assert message_from_bytes(whole).get_payload(decode=True) == TEXT * repeat


def test_what_was_not_signed_is_not_signed_now():
    found = asyncio.run(converted(Configuration(), Content(b"", HEADER + MIME + TEXT), 0))  # type: ignore[arg-type]
    assert b"DKIM" not in found.prefix + found.body[:]


def send(directory, sink: SmtpSink, *new: object) -> list[bytes]:
    """What the sender was told in the end."""

    async def scenario() -> list[bytes]:
        async with sink, running_queue(directory, ZONE, sink.port) as bench:
            await send_all(bench)
            return await bench.inbox()

    async def send_all(bench: Bench) -> None:
        for one in new:
            await bench.send(one)  # type: ignore[arg-type]
        assert await bench.setup.db.find(QueueFilter()) == []

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_server_without_8bitmime_gets_7_bits_and_one_with_it_the_bytes_as_they_are(tmp_path):
    letter = message("x@a.example", body=Body.of(HEADER + MIME + TEXT), has_8bit=True)
    for number, offers in enumerate((NEITHER, (*NEITHER, "8BITMIME"))):
        sink = SmtpSink(offers=offers)
        (tmp_path / str(number)).mkdir()
        assert send(tmp_path / str(number), sink, letter) == []
        (taken,) = sink.messages
        assert taken.data.isascii() is (offers is NEITHER)
        assert message_from_bytes(taken.data).get_payload(decode=True) == TEXT
        said = next(line for line in sink.commands if line.startswith("MAIL"))
        assert f"SIZE={len(taken.data)}" in said
        assert ("BODY=8BITMIME" in said) is (offers is not NEITHER)


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"body": Body.of(HEADER + b"Content-Transfer-Encoding: x-y\r\n\r\n\xe4")}, b"5.6.3", b"unknown encoding x-y"),
        ({"body": Body.of("Subject: für\r\n\r\nx\r\n".encode()), "smtputf8": True}, b"5.6.7", b"(SMTPUTF8)"),
        ({"body": Body.of(HEADER + b"\r\n" + b"x" * 1_000_000)}, b"5.3.4", b"at most 1000000"),
    ],
    ids=["unconvertible", "utf8", "large"],
)
def test_what_the_server_cannot_take_comes_back_with_the_reason_in_words(tmp_path, facts, code, words):
    sink = SmtpSink(offers=NEITHER)
    (notice,) = send(tmp_path, sink, message("x@a.example", has_8bit=True, **facts))
    assert b"Action: failed\r\nStatus: " + code in notice
    assert words in b" ".join(notice.split())
    assert b"Diagnostic-Code" not in notice  # the server has not refused it: we have
    assert sink.messages == []


def test_smtputf8_is_asked_for_only_where_it_is_needed(tmp_path):
    sink = SmtpSink(offers=(*NEITHER, "8BITMIME", "SMTPUTF8"))
    plain = Body.of(HEADER + b"\r\nx\r\n")
    both = message("x@a.example", "ü@a.example", body=plain, smtputf8=True)
    one = message("x@a.example", sender=parse_address("ö@example.org"), body=plain, smtputf8=True)
    header = message("x@a.example", body=Body.of("Subject: für\r\n\r\nx\r\n".encode()), has_8bit=True, smtputf8=True)
    none = message("x@a.example", body=plain, smtputf8=True)  # as when only another recipient needed it
    assert send(tmp_path, sink, both, one, header, none) == []
    said = [line for line in sink.commands if line.startswith("MAIL")]
    assert ["SMTPUTF8" in line for line in said] == [False, True, True, True, False]


def test_an_international_address_does_not_keep_the_mail_from_its_neighbours(tmp_path):
    sink = SmtpSink(offers=NEITHER)
    (notice,) = send(tmp_path, sink, message("x@a.example", "ü@a.example", smtputf8=True))
    assert [taken.recipients for taken in sink.messages] == [["<x@a.example>"]]
    assert "Final-Recipient: utf-8; ü@a.example".encode() in notice


def test_a_server_gets_no_more_messages_on_a_connection_than_it_says(tmp_path):
    sink = SmtpSink(offers=("PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=1"))
    assert send(tmp_path, sink, message("x@a.example", "y@a.example", "z@a.example"), message("x@a.example")) == []
    assert len(sink.messages) == 4
    assert sink.connections == 2
