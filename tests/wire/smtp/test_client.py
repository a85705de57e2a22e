"""The client machine, fed with what good and bad servers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SmtpSyntaxError
from app.wire.smtp.address import parse_address
from app.wire.smtp.client import (
    Capabilities,
    Envelope,
    Recipient,
    SmtpClient,
    Transaction,
    Verb,
    check,
    parse_capabilities,
)
from app.wire.smtp.data import DotReader
from app.wire.smtp.outgoing import CHUNK, chunk, is_clean, stuffed
from app.wire.smtp.reply import Reply
from app.wire.smtp.xtext import encode_original_recipient

FULL = Capabilities(pipelining=True, eight_bit=True, size=0, dsn=True)


def envelope(count: int = 2, **more: object) -> Envelope:
    recipients = tuple(Recipient(path=parse_address(f"r{n}@example.net")) for n in range(count))
    facts: dict[str, object] = {"reverse_path": parse_address("a@example.org"), "recipients": recipients, "size": 100}
    return Envelope(**{**facts, **more})  # type: ignore[arg-type]


class Talk:
    """A transaction against scripted replies."""

    def __init__(self, offers: Capabilities = FULL, count: int = 2, *, by_chunk: bool = False, **more: object) -> None:
        self.client = SmtpClient()
        self.client.receive_data(b"220 hi\r\n")
        self.transaction = Transaction(envelope(count, **more), offers, self.client, by_chunk)
        self.written = self.transaction.start()

    def hear(self, *codes: int) -> bytes:
        self.written = b""
        for code in codes:
            for answered in self.client.receive_data(b"%d x\r\n" % code):
                self.written += self.transaction.take(answered)
        return self.written

    def codes(self) -> list[int | None]:
        return [got and got.code for got in self.transaction.result.replies]


def test_pipelined_transaction_is_written_at_once():
    talk = Talk()
    assert talk.written == (
        b"MAIL FROM:<a@example.org> SIZE=100 BODY=7BIT\r\n"
        b"RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\nDATA\r\n"
    )
    talk.hear(250, 250, 550, 354)
    assert talk.transaction.wants_body
    talk.transaction.body_written()
    talk.hear(250)
    assert talk.transaction.is_done
    assert talk.codes() == [250, 550]


def test_without_pipelining_one_command_at_a_time():
    talk = Talk(Capabilities())
    assert talk.written == b"MAIL FROM:<a@example.org>\r\n"
    assert talk.hear(250) == b"RCPT TO:<r0@example.net>\r\n"
    assert talk.hear(450) == b"RCPT TO:<r1@example.net>\r\n"
    assert talk.hear(250) == b"DATA\r\n"
    talk.hear(354)
    talk.transaction.body_written()
    talk.hear(451)
    assert talk.codes() == [450, 451]


def test_no_data_when_everybody_was_refused_without_pipelining():
    talk = Talk(Capabilities())
    assert talk.hear(250, 550, 550) == b"RCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n"
    assert talk.transaction.is_done
    assert talk.codes() == [550, 550]


@pytest.mark.parametrize("offers", [FULL, Capabilities()])
def test_refused_mail_refuses_everybody(offers):
    talk = Talk(offers)
    talk.hear(*([553, 503, 503, 503] if offers.pipelining else [553]))
    assert talk.transaction.is_done
    assert talk.codes() == [553, 553]


def test_data_accepted_for_nobody_is_ended_with_a_lone_dot():
    talk = Talk()
    assert talk.hear(250, 550, 551, 354) == b".\r\n"
    talk.hear(554)
    assert talk.transaction.is_done
    assert talk.codes() == [550, 551]


def test_data_refused_refuses_who_was_accepted():
    talk = Talk()
    talk.hear(250, 250, 550, 451)
    assert talk.codes() == [451, 550]


def test_too_many_recipients_are_left_for_another_transaction():
    talk = Talk(count=3)
    talk.hear(250, 250, 452, 452, 354)
    talk.transaction.body_written()
    talk.hear(250)
    assert talk.codes() == [250, None, None]


def test_452_for_the_first_recipient_is_its_own_answer():
    talk = Talk(count=1)
    talk.hear(250, 452, 503)
    assert talk.codes() == [452]


def test_rcptmax_is_kept():
    talk = Talk(Capabilities(pipelining=True, rcpt_max=1))
    assert talk.written.count(b"RCPT") == 1
    talk.hear(250, 250, 354)
    talk.transaction.body_written()
    talk.hear(250)
    assert talk.codes() == [250, None]


def test_many_recipients_are_pipelined_in_groups():
    talk = Talk(count=250)
    assert talk.written.count(b"RCPT") == 100
    assert talk.hear(*[250] * 101).count(b"RCPT") == 100
    assert talk.hear(*[250] * 100).endswith(b"DATA\r\n")


@pytest.mark.parametrize("at", range(5))
def test_421_at_any_point_leaves_nobody_out(at):
    talk = Talk()
    replies = [250, 250, 550, 354]
    talk.hear(*replies[:at])
    if talk.transaction.wants_body:
        talk.transaction.body_written()
    talk.hear(421)
    assert talk.transaction.is_done
    assert talk.codes() == [421, 550 if at > 2 else 421]


@pytest.mark.parametrize("codes", [[354], [250, 354], [250, 250, 250, 250], [250, 250, 250, 220]])
def test_a_reply_of_the_wrong_kind_is_never_taken_for_success(codes):
    with pytest.raises(SmtpSyntaxError):
        Talk().hear(*codes)


def test_parameters_for_dsn_and_utf8():
    recipients = (Recipient(path=parse_address("jürgen@example.net"), notify="FAILURE,DELAY", orcpt="rfc822;x@y"),)
    offers = Capabilities(pipelining=True, dsn=True, smtputf8=True, eight_bit=True, requiretls=True)
    talk = Talk(offers, recipients=recipients, smtputf8=True, has_8bit=True, require_tls=True, ret="HDRS", envid="e1")
    mail, rcpt, _ = talk.written.decode().split("\r\n", 2)
    assert mail == "MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=e1"
    assert rcpt == "RCPT TO:<jürgen@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;x@y"


@pytest.mark.parametrize(
    ("message", "offers", "code"),
    [
        ({"size": 11}, Capabilities(size=10), "5.3.4"),
        ({"has_8bit": True}, Capabilities(), "5.6.3"),
        ({"smtputf8": True}, Capabilities(), "5.6.7"),
        ({"require_tls": True}, Capabilities(), "5.7.30"),
    ],
)
def test_what_the_server_cannot_take_is_not_offered(message, offers, code):
    talk = Talk(offers, **message)
    assert talk.written == b""
    assert talk.transaction.is_done
    assert [got.enhanced for got in talk.transaction.result.replies if got] == [code, code]
    assert check(envelope(), offers) is None or message == {"size": 11}


def test_capabilities():
    ehlo = Reply(
        250, "", ("mx", "pipelining", "SIZE 1000", "8BITMIME", "AUTH PLAIN SCRAM-SHA-256", "AUTH=LOGIN", "STARTTLS")
    )
    offers = parse_capabilities(ehlo)
    assert (offers.pipelining, offers.size, offers.eight_bit, offers.starttls) == (True, 1000, True, True)
    assert offers.auth == {"PLAIN", "SCRAM-SHA-256", "LOGIN"}
    assert not offers.smtputf8


@pytest.mark.parametrize("lines", [("mx", "SIZE x", "LIMITS RCPTMAX=y MAILMAX", "", "AUTH"), ("mx",)])
def test_broken_capabilities_are_passed_over(lines):
    offers = parse_capabilities(Reply(250, "", lines))
    assert not offers.size
    assert offers.rcpt_max == 0
    assert parse_capabilities(Reply(250, "", ("mx", "LIMITS RCPTMAX=7"))).rcpt_max == 7


def test_reply_out_of_turn_is_an_error_but_for_421():
    client = SmtpClient()
    client.receive_data(b"220 hi\r\n")
    assert client.is_quiet()
    (answered,) = client.receive_data(b"421 bye\r\n")
    assert answered.verb is Verb.UNASKED
    with pytest.raises(SmtpSyntaxError):
        client.receive_data(b"250 injected\r\n")


def test_left_over_bytes_are_not_quiet():
    client = SmtpClient()
    client.receive_data(b"220 hi\r\n")
    client.command(Verb.STARTTLS, "STARTTLS")
    client.receive_data(b"220 go\r\n250 inj")
    assert not client.is_quiet()


@pytest.mark.parametrize(
    ("written", "kind", "address"),
    [
        ("rfc822;old+2Bname@example.net", "rfc822", "old+name@example.net"),
        ("utf-8;j\\x{FC}rgen@example.net", "utf-8", "jürgen@example.net"),
        ("utf-8;j\\x{FC}rgen@example.net", "utf-8", "j\\x{FC}rgen@example.net"),
    ],
)
def test_an_original_recipient_is_written_in_ascii(written, kind, address):
    assert encode_original_recipient(kind, address) == written


def test_no_line_break_gets_into_a_command():
    with pytest.raises(SmtpSyntaxError):
        SmtpClient().command(Verb.EHLO, "EHLO a\r\nMAIL FROM:<>")


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"..", b"\r\n.\r\n"]), max_size=20).map(b"".join))
def test_stuffing_is_undone_by_our_own_reader(body):
    reader = DotReader()
    content = b"".join(reader.feed(chunk) for chunk in stuffed(b"", body))
    assert reader.fault is None
    assert reader.rest == b""
    assert content == (body if body.endswith(b"\r\n") or not body else body + b"\r\n")


@given(st.binary(max_size=100))
def test_no_bytes_end_the_data_early(body):
    wire = b"".join(stuffed(b"X: y\r\n", body))
    reader = DotReader()
    reader.feed(wire)
    assert reader.rest == b""
    assert b"\n.\n" not in wire
    assert b"\r.\r" not in wire


@given(st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"\0"]), max_size=20).map(b"".join))
def test_only_what_needs_no_change_goes_as_a_chunk(body):
    bare = body.replace(b"\r\n", b"")
    assert is_clean(b"X: y\r\n", body) is not (b"\r" in bare or b"\n" in bare or b"\0" in bare)
    command, *pieces = chunk(b"X: y\r\n", body)
    wire = b"".join(pieces)
    assert command == b"BDAT %d LAST\r\n" % len(wire)
    assert wire == b"X: y\r\n" + body + (b"" if not body or body.endswith(b"\r\n") else b"\r\n")


@pytest.mark.parametrize("codes", [[250, 250, 550], [250, 550, 250]])
def test_a_chunk_follows_when_it_is_known_who_gets_it(codes):
    talk = Talk(by_chunk=True)
    assert b"DATA" not in talk.written + talk.hear(*codes)
    assert talk.transaction.wants_body
    talk.transaction.body_written()
    talk.hear(250)
    assert sorted(talk.codes()) == [250, 550]


@pytest.mark.parametrize("codes", [[250, 550, 551], [553, 503, 503], [553, 250, 250]])
def test_no_chunk_when_nobody_gets_it(codes):
    talk = Talk(by_chunk=True)
    assert talk.hear(*codes) == b""
    assert talk.transaction.is_done
    assert not talk.transaction.wants_body
    assert all(code >= 500 for code in talk.codes())


@pytest.mark.parametrize("code", [552, 421])
def test_a_message_may_be_refused_before_its_end(code):
    talk = Talk()
    talk.hear(250, 250, 250, 354)
    talk.hear(code)  # while the message is being written
    talk.transaction.body_written()
    assert talk.codes() == [code, code]
    assert talk.client.is_quiet()


def test_a_message_is_not_taken_before_its_end():
    talk = Talk()
    talk.hear(250, 250, 250, 354)
    with pytest.raises(SmtpSyntaxError):
        talk.hear(250)


def test_large_bodies_are_cut_at_line_ends():
    body = (b"x" * 70 + b"\r\n.") * 20_000 + b"y" * 600_000 + b"\r\n.\r\n"
    chunks = list(stuffed(b"P: q\r\n", body))
    assert max(map(len, chunks)) < 2 * CHUNK
    reader = DotReader()
    assert b"".join(map(reader.feed, chunks)) == b"P: q\r\n" + body
