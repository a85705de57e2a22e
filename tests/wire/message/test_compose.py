from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.compose import (
    attachment,
    fold,
    multipart,
    raw,
    text,
    wrap,
    write_field,
    write_mailbox,
    write_message,
)
from app.wire.message.decode import decode_body, decode_text
from app.wire.message.header import Field, find_field
from app.wire.message.part import parse_message
from app.wire.message.received import Hop, count_received, protocol_name, write_received


def check_lines(data: bytes) -> None:
    assert data.replace(b"\r\n", b"").count(b"\n") == data.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_report_is_read_back_by_us_and_by_the_email_package():
    report = multipart(
        "report",
        [
            text("Grüße.\nYour message was not delivered.\n"),
            raw("message/delivery-status", b"Reporting-MTA: dns; mx.example\r\n"),
            raw("text/rfc822-headers", b"Subject: x\r\n"),
            attachment("image/png", bytes(range(256)), "naïve.png"),
        ],
        [Field("report-type", "delivery-status")],
    )
    data = write_message(
        [write_field("Subject", "mail delivery failed"), fold("To", write_mailbox("Jöe", "j@x.example"))], report
    )
    check_lines(data)
    root = parse_message(data)
    assert root.content_type.param("report-type") == "delivery-status"
    first, _, _, last = root.children
    assert decode_text(data, first) == "Grüße.\r\nYour message was not delivered.\r\n"
    assert decode_body(data, last) == bytes(range(256))
    assert last.details.disposition is not None
    assert last.details.disposition.param("filename") == "naïve.png"
    theirs = email.message_from_bytes(data, policy=email.policy.default)
    assert theirs["To"] == "Jöe <j@x.example>"
    assert [part.get_content_type() for part in theirs.iter_parts()][:2] == ["text/plain", "message/delivery-status"]
    assert not theirs.defects


@given(st.text(max_size=300), st.booleans())
def test_text_of_any_kind_survives_in_lines_that_any_server_takes(content, may_be_8bit):
    content = content.encode("utf-8", "replace").decode().replace("\0", "")
    data = write_message([], text(content, may_be_8bit=may_be_8bit))
    check_lines(data)
    found = decode_text(data, parse_message(data)).replace("\r\n", "\n")
    expected = content.replace("\r\n", "\n").replace("\r", "\n")
    assert found == (expected if expected.endswith("\n") or not expected else expected + "\n")


@given(st.text(max_size=200))
def test_value_of_any_kind_stays_in_its_field(value):
    data = write_field("Subject", value) + b"\r\n"
    check_lines(data)
    assert data.isascii()
    parsed = parse_message(data)
    assert parsed.size == 0
    assert find_field(data, "Subject") is not None
    assert all(line.startswith((b"Subject:", b"\t")) for line in data.split(b"\r\n") if line)


def test_long_value_is_folded_at_blanks():
    data = write_field("Subject", "word " * 40)
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert (find_field(data, "subject") or "").split() == ["word"] * 40


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "<a@b>"),
        ("Joe Q", "Joe Q <a@b>"),
        ("Q. Joe", '"Q. Joe" <a@b>'),
        ('"', '"\\"" <a@b>'),
        ("a\r\nb", "a b <a@b>"),
    ],
)
def test_display_name_is_quoted_where_it_must_be(name, written):
    assert write_mailbox(name, "a@b") == written


def test_paragraphs_are_wrapped():
    assert wrap("one two three\n\nfour", 8) == "one two\nthree\n\nfour\n"


HOP = Hop(
    ehlo="client.example",
    remote_ip="192.0.2.1",
    by="mx.example",
    id="x-y_1",
    when=datetime(2026, 11, 22, 23, 17, 56, tzinfo=UTC),
    protocol="ESMTPS",
    rdns="ptr.example",
    local_ip="192.0.2.2",
    tls="TLS1.3 TLS_AES_128_GCM_SHA256",
    recipient="a@b.example",
)


def test_received_field_says_who_and_how():
    field = write_received(HOP)
    check_lines(field)
    assert " ".join(field.decode().split()) == (
        "Received: from client.example (ptr.example [192.0.2.1]) by mx.example ([192.0.2.2]) via tcp with ESMTPS"
        " id x-y_1 (TLS1.3 TLS_AES_128_GCM_SHA256) for <a@b.example>; Sun, 22 Nov 2026 23:17:56 +0000"
    )


def test_received_field_of_a_submission_hides_the_client():
    field = write_received(Hop(**{name: getattr(HOP, name) for name in Hop.__slots__} | {"hide_client": True}))
    assert b"192.0.2" not in field
    assert b"client" not in field


def test_received_field_takes_no_harm_from_what_the_client_says():
    hop = Hop(ehlo="a\r\nX: (y", remote_ip="192.0.2.1", by="b", id="c", when=HOP.when, protocol="SMTP")
    assert b"from a??X:??y ([192.0.2.1])" in write_received(hop)


def test_received_fields_are_counted():
    assert count_received(b"Received: a\r\nX: received: b\r\nRECEIVED : c\r\n received: d\r\n\r\n") == 2


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"esmtp": False, "tls": False, "auth": False, "utf8": False}, "SMTP"),
        ({"esmtp": True, "tls": True, "auth": True, "utf8": False}, "ESMTPSA"),
        ({"esmtp": True, "tls": True, "auth": False, "utf8": True}, "UTF8SMTPS"),
    ],
)
def test_protocol_name_is_that_of_the_registry(facts, name):
    assert protocol_name(**facts) == name
