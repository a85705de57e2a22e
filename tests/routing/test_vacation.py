"""Who gets a vacation answer: a table of messages, and why each is answered or not."""

from __future__ import annotations

import dataclasses
import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.routing.vacation import Answer, Letter, addressees, compose, why_silent
from app.wire.smtp.address import NULL_PATH, parse_address

JANE = parse_address("jane@example.org")
ANN = parse_address("ann@sender.example")
HEADER = b"From: Ann <ann@sender.example>\r\nTo: jane@example.org\r\nSubject: hello\r\nMessage-Id: <1@x>\r\n"
LETTER = Letter(header=HEADER, reverse_path=ANN, holder=JANE, is_own=False, is_proven=True, is_welcome=True)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AWAY = Answer(name="Jane", subject="", text="I am away.\nUntil Monday.")


def letter(field: str = "", **changes: object) -> Letter:
    return dataclasses.replace(LETTER, header=HEADER + (f"{field}\r\n" if field else "").encode(), **changes)  # type: ignore[arg-type]


def by(sender: str) -> Letter:
    return letter(reverse_path=parse_address(sender))


@pytest.mark.parametrize(
    "one",
    [
        LETTER,
        letter("Auto-Submitted: no"),
        letter("Auto-Submitted: NO ; x=y"),
        letter("Precedence: normal"),
        letter("X-Priority: 1"),
        by("request@sender.example"),
        by("owner@sender.example"),
        by("norepresentative@sender.example"),
    ],
)
def test_people_get_an_answer(one: Letter) -> None:
    expected = "its sender is a program" if str(one.reverse_path).startswith("norep") else ""
    assert why_silent(one) in ("", expected)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (letter(reverse_path=NULL_PATH), "no sender"),
        (by("MAILER-DAEMON@sender.example"), "a program"),
        (by("owner-list@sender.example"), "a program"),
        (by("list-owner@sender.example"), "a program"),
        (by("list-request@sender.example"), "a program"),
        (by("news-bounces@sender.example"), "a program"),
        (by("bounces+jane=example.org@sender.example"), "a program"),
        (by("No-Reply@sender.example"), "a program"),
        (by("noreply-12@sender.example"), "a program"),
        (by("SRS0=abc=xy=sender.example=ann@forwarder.example"), "a program"),
        (letter(is_welcome=False), "junk"),
        (letter(is_proven=False), "not proven"),
        (letter(is_own=True), "from the holder"),
        (letter(holder=None), "does not name the holder"),
        (letter("Auto-Submitted: auto-generated"), "a program has made it"),
        (letter("auto-submitted: auto-replied; owner-email=x"), "a program has made it"),
        (letter("Auto-Submitted: no\r\nAuto-Submitted: auto-notified"), "a program has made it"),
        (letter("Precedence: bulk"), "bulk"),
        (letter("Precedence: LIST"), "bulk"),
        (letter("Precedence: auto_reply"), "bulk"),
        (letter("List-Id: <devel.example>"), "list"),
        (letter("List-Unsubscribe: <https://x.example>"), "list"),
        (letter("X-Auto-Response-Suppress: OOF"), "list or a program"),
        (letter("Feedback-ID: 1:2:3"), "list or a program"),
    ],
)
def test_nobody_else_does(one: Letter, reason: str) -> None:
    assert reason in why_silent(one)


@given(st.binary(max_size=400))
def test_any_header_is_judged_and_answered(noise: bytes) -> None:
    one = dataclasses.replace(LETTER, header=noise)
    why_silent(one)
    addressees(noise)
    assert compose(AWAY, one, "<2@x>", NOW).startswith(b"From: Jane <jane@example.org>\r\n")


def test_the_answer_stands_under_the_message_and_says_what_it_is() -> None:
    made = compose(AWAY, letter("References: <0@x>\r\n <00@x>"), "<2@example.org>", NOW)
    message = email.message_from_bytes(made, policy=email.policy.default)
    expected = {
        "From": "Jane <jane@example.org>",
        "To": "ann@sender.example",
        "Subject": "Automatic answer: hello",
        "In-Reply-To": "<1@x>",
        "References": "<0@x> <00@x> <1@x>",
        "Auto-Submitted": "auto-replied",
    }
    assert {name: str(message[name]) for name in expected} == expected
    assert message.get_content() == "I am away.\r\nUntil Monday.\r\n"


@pytest.mark.parametrize(
    ("wanted", "subject", "shown"),
    [
        ("Back on Monday", "hello", "Back on Monday"),
        ("", "=?utf-8?q?gr=C3=BCn?=", "Automatic answer: grün"),
        ("", "", "Automatic answer"),
        ("", "x" * 500, "Automatic answer: " + "x" * 200),
        ("Über", "hello", "Über"),
    ],
)
def test_the_subject_is_the_holders_or_tells_what_is_answered(wanted: str, subject: str, shown: str) -> None:
    header = f"From: ann@sender.example\r\nSubject: {subject}\r\n".encode()
    made = compose(dataclasses.replace(AWAY, subject=wanted), dataclasses.replace(LETTER, header=header), "<2@x>", NOW)
    assert str(email.message_from_bytes(made, policy=email.policy.default)["Subject"]).replace("\t", " ") == shown


def test_a_subject_cannot_add_fields() -> None:
    header = b"Subject: =?utf-8?q?a=0D=0ABcc:_all@example.org?=\r\nMessage-Id: <1@x>\r\n"
    made = compose(AWAY, dataclasses.replace(LETTER, header=header), "<2@x>", NOW)
    assert email.message_from_bytes(made)["Bcc"] is None
