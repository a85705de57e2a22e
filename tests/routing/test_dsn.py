"""Notifications: what a person reads and what a program reads."""

from __future__ import annotations

import dataclasses
import email
import email.policy
from email.message import EmailMessage
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from app.routing.dsn import Action, Notification, Status, compose, read_status
from app.routing.retry import waits_left
from app.wire.smtp.address import parse_address
from app.wire.smtp.reply import reply

BOB = Status(
    recipient=parse_address("bob@example.net"),
    code="5.1.1",
    reason="The address does not exist.",
    reply=reply(550, "5.1.1", "no\r\nX-Forged: yes"),
    remote_host="mx.example.net",
    remote_ip="192.0.2.1",
    last_attempt=1_800_000_000.0,
    orcpt="rfc822;bob@example.net",
)


def notification(*statuses: Status, action: Action = Action.FAILED, **more: object) -> Notification:
    facts: dict[str, object] = {
        "action": action,
        "hostname": "mx.example.org",
        "postmaster": parse_address("postmaster@mx.example.org"),
        "to": parse_address("jane@example.org"),
        "message_id": "<n1@mx.example.org>",
        "now": 1_800_000_100.0,
        "arrived": 1_799_999_000.0,
        "statuses": statuses,
        "original": b"From: jane@example.org\r\nSubject: hello\r\n\r\nsecret body\r\n",
        "original_id": "<1@example.org>",
        "subject": "hello",
    }
    return Notification(**{**facts, **more})  # type: ignore[arg-type]


def parsed(told: Notification) -> tuple[EmailMessage, list[EmailMessage]]:
    data = compose(told)
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    message = cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))
    assert not message.defects
    return message, cast("list[EmailMessage]", list(message.iter_parts()))


def test_failure_has_the_three_parts():
    message, parts = parsed(notification(BOB))
    assert message.get_content_type() == "multipart/report"
    assert message["References"] == "<1@example.org>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert "secret body" not in message.as_string()


def test_text_says_who_why_and_what_to_do():
    text = parsed(notification(BOB))[1][0].get_content()
    for expected in (
        "bob@example.net",
        "does not exist",
        "mx.example.net [192.0.2.1]",
        "550 5.1.1",
        "hello",
        "Check that",
    ):
        assert expected in text


def test_status_part_says_the_same_to_programs():
    data = compose(notification(BOB, envid="QQ314159"))
    start = data.index(b"message/delivery-status")
    report = read_status(data[data.index(b"\r\n\r\n", start) + 4 : data.index(b"\r\n--=_", start)])
    assert report.message["reporting-mta"] == "dns; mx.example.org"
    assert report.message["original-envelope-id"] == "QQ314159"
    (group,) = report.recipients
    assert group["final-recipient"] == "rfc822; bob@example.net"
    assert group["original-recipient"] == "rfc822; bob@example.net"
    assert (group["action"], group["status"]) == ("failed", "5.1.1")
    assert group["remote-mta"] == "dns; mx.example.net (192.0.2.1)"
    assert group["diagnostic-code"].startswith("smtp; 550 5.1.1 no")
    assert "x-forged" not in group


def test_delay_tells_the_schedule_that_is_kept():
    message, parts = parsed(notification(BOB, action=Action.DELAYED, waits_s=waits_left(5)))
    assert message["Subject"] == "Your message is delayed"
    text = parts[0].get_content()
    # The last attempt was at 08:00 UTC; 2, 4 and 8 hours follow.
    assert "at 10:00 on 15 Jan, 14:00 on 15 Jan and 22:00 on 15 Jan (UTC)" in " ".join(text.split())
    status = compose(notification(BOB, action=Action.DELAYED, waits_s=waits_left(5)))
    assert b"Will-Retry-Until: Fri, 15 Jan 2027 22:00:00 +0000" in status


def test_whole_message_when_asked():
    _, parts = parsed(notification(BOB, full=True))
    assert parts[2].get_content_type() == "message/rfc822"
    assert b"secret body" in parts[2].as_bytes()


def test_utf8_takes_the_global_forms():
    told = notification(
        Status(recipient=parse_address("jürgen@example.net"), code="5.1.1", reason="x"),
        original="Subject: grüße\r\n\r\n".encode(),
    )
    data = compose(told)
    assert b"message/global-delivery-status" in data
    assert b"message/global-headers" in data
    assert "Final-Recipient: utf-8; jürgen@example.net".encode() in data


def test_endless_reply_is_folded_and_cut():
    parsed(notification(Status(recipient=BOB.recipient, code="5.0.0", reason="x", reply=reply(550, "", "ü" * 5000))))


def test_status_of_others_is_read_leniently():
    report = read_status(
        b"\nReporting-MTA:dns;a\nJunk\n\n\nfinal-recipient : rfc822;\n x@y\nStatus: 5.0.0\nStatus: 4.0.0\n\n"
    )
    assert report.message == {"reporting-mta": "dns;a"}
    assert report.recipients == ({"final-recipient": "rfc822; x@y", "status": "5.0.0"},)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data):
    read_status(data)


def test_advice_that_is_known_stands_in_the_place_of_the_usual_one():
    known = dataclasses.replace(
        BOB, code="5.7.26", reason="Gmail said no.", advice="Mend the DNS records of the domain."
    )
    text = parsed(notification(known, known))[1][0].get_content()
    assert text.count("Mend the DNS records") == 1
    assert "by its own rules" not in text
