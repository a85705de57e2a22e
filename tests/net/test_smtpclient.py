"""Conversations with a real server on loopback, good and bad at every step."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import ipaddress
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from app.net import smtpclient
from app.net.smtpclient import Conversation, Peer, SmtpFailed, TlsFailed, opportunistic_context, verified_context
from app.wire.sasl.clients import ClientExchange
from app.wire.smtp.address import parse_address
from app.wire.smtp.client import Envelope, Recipient
from tests.support.smtpsink import CLOSE, HANG, SmtpSink, make_context

T = TypeVar("T")
BODY = b"Subject: x\r\n\r\n.hello\r\n"


def envelope(*recipients: str) -> Envelope:
    return Envelope(
        reverse_path=parse_address("a@example.org"),
        recipients=tuple(Recipient(path=parse_address(text)) for text in recipients or ("b@example.net",)),
        size=len(BODY),
    )


def talk_to(sink: SmtpSink, work: Callable[[Conversation], Awaitable[T]], greet: bool = True) -> T:
    async def scenario() -> T:
        async with sink:
            peer = Peer("mx.example.net", ipaddress.ip_address(sink.host), sink.port)
            talk = await Conversation.open(peer)
            try:
                if greet:
                    await talk.greet("mx.example.org")
                return await work(talk)
            finally:
                talk.close()

    return asyncio.run(asyncio.wait_for(scenario(), 20))


async def send(talk: Conversation) -> list[int]:
    result = await talk.send(envelope(), b"Received: x\r\n", BODY)
    return [got.code for got in result.replies if got]


def test_several_messages_on_one_connection():
    async def work(talk: Conversation) -> None:
        assert await send(talk) == [250]
        assert talk.is_usable
        assert await send(talk) == [250]
        talk.quit()

    sink = SmtpSink()
    talk_to(sink, work)
    assert [taken.data for taken in sink.messages] == [b"Received: x\r\n" + BODY] * 2
    assert sink.connections == 1


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "body"])
def test_a_refused_message_does_not_spoil_the_next(step, offers):
    async def work(talk: Conversation) -> list[int]:
        return await send(talk) + await send(talk)

    sink = SmtpSink(faults={step: [b"550 no\r\n"]}, offers=offers)
    assert talk_to(sink, work) == [550, 250]
    assert len(sink.messages) == 1


def test_large_message_waits_for_a_slow_reader():
    body = b"x" * 70 + b"\r\n"

    async def work(talk: Conversation) -> int:
        result = await talk.send(envelope(), b"", body * 40_000)
        return len([got for got in result.replies if got and got.code == 250])

    sink = SmtpSink(offers=("PIPELINING",))
    assert talk_to(sink, work) == 1
    assert sink.messages[0].data == body * 40_000


@pytest.mark.parametrize(
    ("body", "by_chunk"),
    [
        (b".x\r\n" * 30_000, True),
        (b".x\r\n" * 300_000 + b"no end", True),
        (b".x\r\n" * 30_000 + b"bare\n.\n", False),
        (b".x\r\n", False),
    ],
    ids=["large", "larger, without an end", "with bare line ends", "small"],
)
def test_large_messages_go_as_a_chunk_where_offered(body, by_chunk):
    async def work(talk: Conversation) -> list[int]:
        result = await talk.send(dataclasses.replace(envelope(), size=len(body)), b"A: b\r\n", body)
        return [got.code for got in result.replies if got]

    sink = SmtpSink(offers=("PIPELINING", "CHUNKING"))
    assert talk_to(sink, work) == [250]
    whole = body.replace(b"bare\n.\n", b"bare\r\n.\r\n")
    assert sink.messages[0].data == b"A: b\r\n" + whole + (b"" if whole.endswith(b"\r\n") else b"\r\n")
    assert any(line.startswith("BDAT ") for line in sink.commands) is by_chunk


def test_a_message_that_is_refused_before_its_end_is_not_sent_to_the_end():
    body = b"x" * 998 + b"\r\n"
    heard = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        for piece in (b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n"):
            writer.write(piece)
            await reader.readline()
        writer.write(b"354 go\r\n")
        await reader.read(1 << 16)
        writer.write(b"552 5.3.4 enough\r\n")
        while data := await reader.read(1 << 16):
            heard += len(data)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            talk = await Conversation.open(Peer("mx", ipaddress.ip_address("127.0.0.1"), port))
            await talk.greet("mx.example.org")
            result = await talk.send(envelope(), b"", body * 100_000)
            assert [got.code for got in result.replies if got] == [552]
            assert not talk.is_usable
            talk.abort()

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert heard < 50_000_000


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), ()])
def test_recipients_have_their_own_replies(offers):
    async def work(talk: Conversation) -> list[int]:
        result = await talk.send(envelope("a@example.net", "b@example.net", "c@example.net"), b"", BODY)
        return [got.code for got in result.replies if got]

    sink = SmtpSink(faults={"rcpt": [None, b"550 5.1.1 no\r\n", None]}, offers=offers)
    assert talk_to(sink, work) == [250, 550, 250]
    assert sink.messages[0].recipients == ["<a@example.net>", "<c@example.net>"]


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "body"])
@pytest.mark.parametrize("code", [421, 451, 550])
@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
def test_refusal_at_each_step_reaches_the_recipient(step, code, offers):
    sink = SmtpSink(faults={step: b"%d x\r\n" % code}, offers=offers)
    assert talk_to(sink, send) == [code]
    assert sink.messages == []


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "body"])
@pytest.mark.parametrize("fault", [CLOSE, b"nonsense\r\n", b"250-a\r\n" * 300, b"x" * 5000, b"250 a\r\n250 b\r\n" * 9])
def test_misbehaviour_at_each_step_is_a_failure_and_not_a_success(step, fault):
    if step == "body" and fault[:5] == b"250 a":
        pytest.skip("the first of the replies is a good one: the message was taken")
    sink = SmtpSink(faults={step: fault})
    with pytest.raises(SmtpFailed):
        talk_to(sink, send)


@pytest.mark.parametrize(("step", "limit"), [("mail", "COMMAND_S"), ("body", "FINAL_S")])
def test_silence_has_an_end(step, limit, monkeypatch):
    monkeypatch.setattr(smtpclient, limit, 0.05)
    with pytest.raises(SmtpFailed, match="no reply"):
        talk_to(SmtpSink(faults={step: HANG}), send)


@pytest.mark.parametrize("fault", [b"554 go away\r\n", b"421 busy\r\n"])
def test_refused_greeting_keeps_the_reply(fault):
    with pytest.raises(SmtpFailed) as caught:
        talk_to(SmtpSink(faults={"greeting": fault}), send)
    assert caught.value.reply is not None
    assert caught.value.reply.code == int(fault[:3])


def test_helo_for_a_server_that_does_not_know_ehlo():
    sink = SmtpSink(faults={"ehlo": b"502 what\r\n"})
    assert talk_to(sink, send) == [250]
    assert "HELO mx.example.org" in sink.commands


def test_starttls_unverified():
    async def work(talk: Conversation) -> list[int]:
        assert talk.capabilities.starttls
        await talk.start_tls(opportunistic_context())
        assert not talk.capabilities.starttls
        return await send(talk)

    sink = SmtpSink(tls=make_context())
    assert talk_to(sink, work) == [250]
    assert sink.messages[0].tls


def test_unknown_certificate_is_refused_when_verified():
    async def work(talk: Conversation) -> None:
        await talk.start_tls(verified_context())

    with pytest.raises(TlsFailed, match="nobody but itself"):
        talk_to(SmtpSink(tls=make_context()), work)


@pytest.mark.parametrize(
    "fault", [b"454 no\r\n", b"220 go\r\n250 injected\r\n", b"220 go\r\nplain text instead of a handshake"]
)
def test_failed_starttls_says_so(fault):
    async def work(talk: Conversation) -> None:
        await talk.start_tls(opportunistic_context())

    with pytest.raises(SmtpFailed):
        talk_to(SmtpSink(tls=make_context(), faults={"starttls": fault}), work)


class Echo(ClientExchange):
    def initial(self) -> bytes | None:
        return b"hi"

    def answer(self, challenge: bytes) -> bytes:
        return challenge.upper()


def test_auth_rounds():
    async def work(talk: Conversation) -> None:
        await talk.login("ECHO", Echo())
        told = talk.dialogue.text()
        assert "AUTH ECHO; what proves who we are is not shown" in told
        assert "S: 235 welcome" in told
        assert not any(secret in told for secret in ("aGk=", "QUJD", "YWJj"))

    challenge = b"334 " + base64.b64encode(b"abc") + b"\r\n"
    sink = SmtpSink(faults={"auth": challenge, base64.b64encode(b"ABC").decode().lower(): b"235 welcome\r\n"})
    talk_to(sink, work)
    assert sink.commands[1:] == ["AUTH ECHO aGk=", "QUJD"]


@pytest.mark.parametrize("fault", [b"535 no\r\n", b"334 ***\r\n", b"334 YWJj\r\n"])
def test_refused_or_endless_auth(fault):
    async def work(talk: Conversation) -> None:
        await talk.login("ECHO", Echo())

    with pytest.raises(SmtpFailed):
        talk_to(SmtpSink(faults={"auth": fault, "qujd": fault}), work)
