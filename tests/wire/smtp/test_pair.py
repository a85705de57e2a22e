"""Our client machine against our server machine: what one writes, the other reads, without a socket between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.smtp import codes
from app.wire.smtp.address import parse_address
from app.wire.smtp.client import Envelope, Recipient, SmtpClient, Transaction, Verb, parse_capabilities
from app.wire.smtp.command import Data, Rcpt
from app.wire.smtp.events import Chunk, Refused, ServerSettings
from app.wire.smtp.outgoing import chunk, stuffed
from app.wire.smtp.reply import Reply
from app.wire.smtp.server import SmtpServer

SENDER = parse_address("a@example.org")


def answer(server: SmtpServer, data: bytes, kept: list[bytes], refused: tuple[str, ...]) -> bytes:
    """Feed the server; what it writes back. Content goes to `kept`."""
    server.receive_data(data)
    wire = b""
    while (event := server.next_event()) is not None:
        if isinstance(event, Chunk):
            kept.append(event.data)
            continue
        reply = codes.OK.reply("ok")
        if isinstance(event, Refused):
            reply = event.reply
        elif isinstance(event, Data):
            reply = codes.START_INPUT.reply("go")
        elif isinstance(event, Rcpt) and str(event.forward_path) in refused:
            reply = codes.NO_SUCH_RECIPIENT.reply("no")
        wire += server.send(reply)
    return wire


def deliver(message: bytes, recipients: list[str], ehlo: Reply, refused: tuple[str, ...] = ()):
    """One transaction; the client's view of it and the content the server got."""
    server, client, kept = SmtpServer(ServerSettings(max_size=1 << 20)), SmtpClient(), []
    client.receive_data(b"220 server\r\n")
    client.receive_data(answer(server, client.command(Verb.EHLO, "EHLO c.example"), kept, ()))
    envelope = Envelope(
        reverse_path=SENDER,
        recipients=tuple(Recipient(path=parse_address(text)) for text in recipients),
        size=len(message),
    )
    transaction = Transaction(envelope, parse_capabilities(ehlo), client, parse_capabilities(ehlo).chunking)
    out = transaction.start()
    while not transaction.is_done:
        if transaction.wants_body:
            transaction.body_written()
            out = b"".join(chunk(b"", message) if transaction.by_chunk else stuffed(b"", message))
        assert out
        answered = client.receive_data(answer(server, out, kept, refused))
        out = b"".join([transaction.take(one) for one in answered])
    return transaction.result, b"".join(kept)


PLAIN = Reply(250, "", ("server", "SIZE 1000000"))
PIPELINED = Reply(250, "", ("server", "PIPELINING", "SIZE 1000000"))
CHUNKING = Reply(250, "", ("server", "PIPELINING", "CHUNKING", "SIZE 1000000"))
LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"text", b"a.", b"\xe9" * 70])).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@given(LINES, st.sampled_from([PLAIN, PIPELINED, CHUNKING]))
def test_any_message_of_whole_lines_arrives_unchanged(message, ehlo):
    result, content = deliver(message, ["b@example.com"], ehlo)
    assert content == message
    assert [reply.code for reply in result.replies] == [250]


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a"])).map(b"".join))
def test_whatever_we_send_is_never_two_messages_or_a_fault(message):
    result, content = deliver(message, ["b@example.com"], PIPELINED)
    assert result.final.code == 250
    assert len(content) >= len(message.replace(b"\r", b"").replace(b"\n", b""))


@pytest.mark.parametrize("ehlo", [PLAIN, PIPELINED, CHUNKING])
def test_each_recipient_has_its_reply(ehlo):
    result, content = deliver(b"x\r\n", ["b@example.com", "c@example.com"], ehlo, refused=("b@example.com",))
    assert [reply.code for reply in result.replies] == [550, 250]
    assert content == b"x\r\n"


@pytest.mark.parametrize("ehlo", [PLAIN, PIPELINED, CHUNKING])
def test_no_message_is_sent_when_nobody_is_accepted(ehlo):
    result, content = deliver(b"x\r\n", ["b@example.com"], ehlo, refused=("b@example.com",))
    assert [reply.code for reply in result.replies] == [550]
    assert content == b""
