"""The server's state machine: what is legal when, pipelining, and framing that cannot be fooled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.smtp import codes
from app.wire.smtp.command import Auth, Bdat, Data, Ehlo, Mail, Quit, Rcpt, StartTls
from app.wire.smtp.data import DataFault
from app.wire.smtp.events import (
    LEGAL,
    AuthResponse,
    Chunk,
    ChunkEnd,
    EndOfData,
    Refused,
    ServerSettings,
    State,
)
from app.wire.smtp.reply import Reply
from app.wire.smtp.server import SmtpServer

SUBMISSION = ServerSettings(max_size=1000, offers_starttls=True, offers_auth=True, offers_future_release=True)
PLAIN = ServerSettings(max_size=1000)


class Talk:
    """Feeds a machine, says yes to everything, and keeps what was said."""

    def __init__(self, settings: ServerSettings = SUBMISSION) -> None:
        self.machine = SmtpServer(settings)
        self.events: list[object] = []
        self.replies: list[str] = []
        self.message = b""

    def feed(self, data: bytes) -> Talk:
        self.machine.receive_data(data)
        while (event := self.machine.next_event()) is not None:
            if isinstance(event, Chunk):
                self.message += event.data
                continue
            self.events.append(event)
            self.replies.append(self.machine.send(self._reply(event)).decode().rstrip())
        return self

    def _reply(self, event: object) -> Reply:
        if isinstance(event, Refused):
            return event.reply
        if isinstance(event, Data):
            return codes.START_INPUT.reply("go")
        if isinstance(event, Auth):
            return codes.CHALLENGE.reply("")
        if isinstance(event, AuthResponse):
            return codes.SIGNED_IN.reply("in")
        return codes.OK.reply("ok")

    @property
    def last(self) -> str:
        return self.replies[-1]


GREETED = b"EHLO example.org\r\n"
TO_RCPT = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"


def greeted(settings: ServerSettings = SUBMISSION) -> Talk:
    return Talk(settings).feed(GREETED)


@given(st.integers(1, 40))
def test_a_transaction_in_pieces_of_any_size(step):
    talk = Talk()
    for block in (GREETED, TO_RCPT + b"DATA\r\n", b"one\r\n..two\r\n.\r\nNOOP\r\nQUIT\r\n"):
        for start in range(0, len(block), step):
            talk.feed(block[start : start + step])
    assert talk.message == b"one\r\n.two\r\n"
    kinds = [type(event).__name__ for event in talk.events]
    assert kinds == "Ehlo Mail Rcpt Data EndOfData Noop Quit".split()
    assert talk.events[4] == EndOfData(len(talk.message), None)
    assert talk.machine.state is State.CLOSED


def test_no_event_before_the_reply_to_the_last_one():
    machine = SmtpServer(PLAIN)
    machine.receive_data(b"NOOP\r\nNOOP\r\n")
    assert machine.next_event() is not None
    assert machine.next_event() is None
    machine.send(codes.OK.reply("ok"))
    assert machine.next_event() is not None


COMMANDS = {
    Ehlo: b"EHLO example.org\r\n",
    StartTls: b"STARTTLS\r\n",
    Auth: b"AUTH LOGIN\r\n",
    Mail: b"MAIL FROM:<>\r\n",
    Rcpt: b"RCPT TO:<b@example.org>\r\n",
    Data: b"DATA\r\n",
    Bdat: b"BDAT 2\r\nab",
    Quit: b"QUIT\r\n",
}
PATHS = {
    State.START: b"",
    State.READY: b"",
    State.MAIL: b"MAIL FROM:<a@example.org>\r\n",
    State.RCPT: TO_RCPT,
    State.CHUNKS: TO_RCPT + b"BDAT 1\r\na",
}


@pytest.mark.parametrize("state", list(LEGAL))
@pytest.mark.parametrize("kind", list(COMMANDS))
def test_command_is_taken_exactly_where_the_table_says(state, kind):
    talk = Talk() if state is State.START else greeted()
    talk.feed(PATHS[state])
    assert talk.machine.state is state
    talk.feed(COMMANDS[kind])
    event = talk.events[-1]
    if kind in LEGAL[state]:
        assert isinstance(event, ChunkEnd if kind is Bdat else kind)
    else:
        assert isinstance(event, Refused)
        assert event.reply.code in (503, 554)
        assert not event.is_last
        assert talk.machine.state is state


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (b"MAIL FROM:<a@example.org> SIZE=1001\r\n", "552 5.3.4"),
        (b"MAIL FROM:<a@example.org> REQUIRETLS\r\n", "523 5.7.10"),
        ("MAIL FROM:<ü@example.org>\r\n".encode(), "550 5.6.7"),
        ("MAIL FROM:<a@example.org>\r\nRCPT TO:<ü@example.org>\r\n".encode(), "550 5.6.7"),
        (b"MAIL FROM:<>\r\nDATA\r\n", "554 5.5.1"),
        (b"RCPT TO:<b@example.org>\r\n", "503 5.5.1"),
        (b"MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<b@example.org>\r\nDATA\r\n", "503 5.5.1"),
        (b"AUTH LOGIN\r\nYQ==\r\nAUTH LOGIN\r\n", "503 5.5.1"),
        (b"AUTH LOGIN\r\n!\r\n", "501 5.5.2"),
        (b"FOO\r\n", "500 5.5.1"),
    ],
)
def test_refusals(lines, start):
    talk = greeted().feed(lines)
    assert talk.last.startswith(start)
    assert talk.machine.state is not State.CLOSED


def test_smtputf8_allows_non_ascii_addresses():
    talk = greeted().feed("MAIL FROM:<ü@example.org> SMTPUTF8\r\nRCPT TO:<ö@example.org>\r\n".encode())
    assert talk.machine.state is State.RCPT


def test_what_is_not_offered_is_refused():
    talk = greeted(PLAIN).feed(b"STARTTLS\r\n")
    assert talk.last.startswith("502")
    assert talk.feed(b"AUTH PLAIN AA==\r\n").last.startswith("502")
    assert talk.feed(b"MAIL FROM:<> HOLDFOR=1\r\n").last.startswith("555")


@pytest.mark.parametrize(
    "lines",
    [
        b"STARTTLS\r\nRSET\r\n",
        b"STARTTLS\r\nx",
        b"EHLO example.org\r\nMAIL FROM:<>\r\n",
        TO_RCPT + b"DATA\r\nSubject: x\r\n",
        b"NOOP\nNOOP\r\n",
        b"NO\rOP\r\n",
        b"NO\0OP\r\n",
        b"NOOP " + b"x" * 2048,
        TO_RCPT + b"BDAT 2001 LAST\r\n",
    ],
)
def test_the_connection_ends_where_the_stream_cannot_be_trusted(lines):
    talk = greeted().feed(lines)
    event = talk.events[-1]
    assert isinstance(event, Refused)
    assert event.is_last
    assert talk.machine.state is State.CLOSED
    assert talk.feed(b"NOOP\r\n").events[-1] is event


def test_another_protocol_is_refused_at_its_first_line():
    talk = Talk().feed(b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert talk.replies == ["500 5.5.2 this is an SMTP server"]
    assert talk.machine.state is State.CLOSED


def test_tls_forgets_everything():
    talk = greeted().feed(b"AUTH LOGIN\r\nYQ==\r\n").feed(b"STARTTLS\r\n")
    assert talk.machine.state is State.TLS
    talk.feed(b"MAIL FROM:<x@example.org>\r\n")  # in clear, between the reply and the handshake
    talk.machine.tls_started()
    assert (talk.machine.state, talk.machine.is_authenticated, talk.machine.has_input) == (State.START, False, False)
    assert talk.feed(b"MAIL FROM:<>\r\n").last.startswith("503")
    assert talk.feed(GREETED).feed(b"MAIL FROM:<> REQUIRETLS\r\n").last.startswith("250")


def test_cancelled_authentication():
    talk = greeted().feed(b"AUTH LOGIN\r\n*\r\n")
    assert talk.events[-1] == AuthResponse(None)


def test_message_over_the_limit_is_read_to_its_end_and_spoilt():
    talk = greeted().feed(TO_RCPT + b"DATA\r\n").feed(b"x" * 1200).feed(b"y" * 300 + b"\r\n.\r\n")
    assert talk.events[-1] == EndOfData(1502, DataFault.TOO_LARGE)
    assert talk.message == b""


def test_message_far_over_the_limit_ends_the_connection():
    talk = greeted().feed(TO_RCPT + b"DATA\r\n")
    for _ in range(30):
        talk.feed(b"\0" * 100)
    assert talk.last.startswith("552 5.3.4")
    assert talk.machine.state is State.CLOSED


def test_smuggled_message_spoils_the_first_and_is_not_run():
    talk = greeted().feed(TO_RCPT + b"DATA\r\n")
    talk.feed(b"a\r\n\n.\nMAIL FROM:<x@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsmuggled\r\n.\r\n")
    assert isinstance(talk.events[-1], EndOfData)
    assert talk.events[-1].fault is DataFault.BARE_LF
    assert len(talk.events) == 5


@given(st.integers(1, 30))
def test_chunks_pipelined_in_pieces_of_any_size(step):
    talk = greeted()
    wire = TO_RCPT + b"BDAT 4\r\nab\r\nBDAT 0\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\n"
    for start in range(0, len(wire), step):
        talk.feed(wire[start : start + step])
    assert talk.message == b"ab\r\nQUIT\r\n"
    assert [type(event) for event in talk.events[3:]] == [ChunkEnd, ChunkEnd, EndOfData, Mail]


def test_chunk_without_recipients_is_read_and_refused():
    talk = greeted().feed(b"MAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
    assert talk.replies[-2].startswith("554 5.5.1")
    assert talk.last == "250 2.0.0 ok"
    assert talk.message == b""


def test_after_a_refused_chunk_the_rest_is_read_and_refused():
    talk = greeted().feed(TO_RCPT)
    machine = talk.machine
    machine.receive_data(b"BDAT 2\r\nabBDAT 2 LAST\r\ncdNOOP\r\n")
    assert isinstance(machine.next_event(), Chunk)
    assert isinstance(machine.next_event(), ChunkEnd)
    machine.send(codes.STORAGE_FULL.reply("full"))
    talk.feed(b"")
    assert talk.replies[-2].startswith("503")
    assert talk.last == "250 2.0.0 ok"


def test_transaction_ends_with_the_message():
    talk = greeted().feed(TO_RCPT + b"DATA\r\n").feed(b".\r\n").feed(b"RCPT TO:<b@example.org>\r\n")
    assert talk.last.startswith("503")


@given(
    st.lists(st.sampled_from([*COMMANDS.values(), b"x\r\n", b"\r\n", b".\r\n", b"\0", b"*\r\n", b"BDAT 3 LAST\r\n"]))
)
def test_no_input_brings_the_machine_down(pieces):
    talk = Talk()
    for piece in pieces:
        talk.feed(piece)
    assert len(talk.replies) == len(talk.events)
