"""Messages as cron, web pages and scripts hand them over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refusal
from app.operations.handedmail import Handed, Sender, compose, recipients
from app.wire.message.header import find_field, has_header, raw_fields
from app.wire.smtp.address import Address, parse_address

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADMIN = parse_address("admin@example.org")
SENDER = Sender(address=parse_address("web@example.org"), local_hostname="web1.example.org", default=ADMIN)


def made(data: bytes, sender: Sender = SENDER, to: tuple[Address, ...] = (ADMIN,)) -> bytes:
    return compose(Handed.read(data), to, sender, NOW)


def header_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "fields", "body"),
    [
        (b"A: b\nC: d\n\nbody\n", (b"A: b\r\n", b"C: d\r\n"), b"body\r\n"),
        (b"A: b\r\nC: d\r\n\r\nbody", (b"A: b\r\n", b"C: d\r\n"), b"body\r\n"),
        (b"A: b\n  folded\n\tmore\n\nx\n", (b"A: b\r\n  folded\r\n\tmore\r\n",), b"x\r\n"),
        (b"From a@b Mon Nov 23\nA: b\n\nx\n", (b"A: b\r\n",), b"x\r\n"),
        (b"just text\nmore\n", (), b"just text\r\nmore\r\n"),
        (b"A: b\nno field here\n", (b"A: b\r\n",), b"no field here\r\n"),
        (b" begins with a blank\n", (), b" begins with a blank\r\n"),
        (b"A: b\n \nx\n", (b"A: b\r\n",), b" \r\nx\r\n"),
        (b"A: b\rC: d\r\rx\r", (b"A: b\r\n", b"C: d\r\n"), b"x\r\n"),
        (b"A: b\n", (b"A: b\r\n",), b""),
        (b"", (), b""),
        (b"\n.\n\n.x\n", (), b".\r\n\r\n.x\r\n"),
    ],
)
def test_header_and_body_are_told_apart(data: bytes, fields: tuple[bytes, ...], body: bytes) -> None:
    assert Handed.read(data) == Handed(fields, body)


@given(st.binary(max_size=300))
def test_whatever_comes_in_goes_out_as_a_message_with_its_body(data: bytes) -> None:
    handed, message = Handed.read(data), made(data)
    assert has_header(message)
    assert find_field(header_of(message), "From") == "<web@example.org>" or handed.fields
    assert message.endswith(b"\r\n\r\n" + handed.body)
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")


def test_from_and_bcc_are_replaced_and_what_is_missing_is_added() -> None:
    message = made(b"From: root\n (Cron Daemon)\nBcc: x@example.org\nSubject: s\n folded\nTo: root\n\nx\n")
    names = [raw.partition(b":")[0] for raw in raw_fields(header_of(message))]
    assert names == [b"From", b"Subject", b"To", b"Date", b"Message-Id"]
    assert find_field(header_of(message), "Date") == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert (find_field(header_of(message), "Message-Id") or "").endswith("@web1.example.org>")


def test_what_is_there_stays() -> None:
    given_fields = b"Date: x\nMessage-ID: <1@x>\nCc: a@example.org\nMIME-Version: 1.0\nTLS-Required: No\n"
    header = header_of(made(given_fields + "\nä\n".encode()))
    assert header == b"From: <web@example.org>\r\n" + given_fields.replace(b"\n", b"\r\n") + b"\r\n"


@pytest.mark.parametrize(
    ("author", "name", "shown"),
    [
        (b"", "", "<web@example.org>"),
        (b'From: "Web Page" <www@localhost>\n', "", "Web Page <web@example.org>"),
        (b"From: =?utf-8?q?J=C3=B6rg?= <www@localhost>\n", "", "=?utf-8?b?SsO2cmc=?= <web@example.org>"),
        (b"From: Web <www@localhost>\n", "Cron\r\nBcc: x", "Cron Bcc: x <web@example.org>"),
        (b"From: a\nFrom: Second <b@c>\n", "", "<web@example.org>"),
    ],
)
def test_the_name_of_the_author_stays_or_is_the_one_of_the_flag(author: bytes, name: str, shown: str) -> None:
    sender = Sender(address=SENDER.address, local_hostname="x.example", name=name)
    found = find_field(header_of(made(author + b"Subject: s\n\nx\n", sender)), "From")
    assert (found or "").replace('"', "").lower() == shown.lower()


def test_text_in_utf8_says_so_and_other_bytes_are_left_alone() -> None:
    assert b"charset=utf-8" in made("\ngrün\n".encode())
    assert b"charset" not in made(b"\ngr\xfcn\n")
    assert b"charset" not in made(b"\nplain\n")


@pytest.mark.parametrize(
    ("fields", "to", "shown"),
    [
        (b"", 1, "<admin@example.org>"),
        (b"", 2, "undisclosed-recipients:;"),
        (b"Bcc: admin@example.org\n", 1, "undisclosed-recipients:;"),
    ],
)
def test_a_message_without_recipients_in_its_header_gets_some(fields: bytes, to: int, shown: str) -> None:
    assert find_field(header_of(made(fields + b"\nx\n", to=(ADMIN,) * to)), "To") == shown


@pytest.mark.parametrize(
    ("arguments", "header", "found"),
    [
        (["a@example.org"], b"", ["a@example.org"]),
        (["a@example.org", "a@example.org"], b"", ["a@example.org"]),
        (["Ann <a@example.org>, b@example.org"], b"", ["a@example.org", "b@example.org"]),
        (["root"], b"", ["admin@example.org"]),
        (["root@localhost", "x@LOCALHOST"], b"", ["admin@example.org"]),
        ([], b"To: root, Ann <a@example.org>\n", ["admin@example.org", "a@example.org"]),
        (
            [],
            b"To: root\nCc: b@example.org\nBcc: c@example.org\n",
            ["admin@example.org", "b@example.org", "c@example.org"],
        ),
        (["d@example.org"], b"To: a@example.org\n", ["d@example.org", "a@example.org"]),
        ([], b"To: friends: a@example.org, b@example.org;\n", ["a@example.org", "b@example.org"]),
    ],
)
def test_recipients_are_the_arguments_and_those_in_the_header(
    arguments: list[str], header: bytes, found: list[str]
) -> None:
    handed = Handed.read(header + b"\nx\n")
    assert [str(one) for one in recipients(handed, arguments, SENDER, from_header=True)] == found


@pytest.mark.parametrize(
    ("arguments", "header", "words"),
    [
        ([], b"", "nobody to send to"),
        ([], b"To: undisclosed-recipients:;\n", "nobody to send to"),
        (["bad@"], b"", "not an address"),
        (["bad@@x"], b"", "not an address"),
        (["a@b c"], b"", "not an address"),
        ([f"u{number}@example.org" for number in range(1001)], b"", "at most 1000"),
    ],
)
def test_what_is_no_recipient_is_refused(arguments: list[str], header: bytes, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        recipients(Handed.read(header + b"\n"), arguments, SENDER, from_header=True)


def test_header_counts_only_when_asked_for_and_local_names_need_a_destination() -> None:
    handed = Handed.read(b"To: a@example.org\n\nx\n")
    with pytest.raises(Refusal, match="or -t for those in the message"):
        recipients(handed, [], SENDER, from_header=False)
    nowhere = Sender(address=SENDER.address, local_hostname="x.example")
    with pytest.raises(Refusal, match="set DefaultDestination"):
        recipients(handed, ["root"], nowhere, from_header=False)
