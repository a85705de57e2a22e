"""Reports of other servers: found, unpacked within bounds, and read as they are really written."""

from __future__ import annotations

import gzip
import ipaddress
import json
import os
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.message.part import parse_message
from app.wire.reports import attached, dmarc, tls, unpack
from app.wire.reports.dmarc import Disposition
from app.wire.reports.values import BadReport, moment, percentage
from tests.support.growth import assert_linear
from tests.wire.reports.samples import GOOGLE, GOOGLE_TLS, MICROSOFT, ODD_TLS, message, plain, tls_json, zipped

XML = GOOGLE.encode()


def find(data: bytes, kind: attached.Kind = attached.DMARC) -> bytes:
    return attached.find_report(data, parse_message(data), kind)


@pytest.mark.parametrize(
    "data",
    [
        message(zipped({"google.com!example.com!1!2.xml": XML}), "application/zip", "google.com!example.com!1!2.zip"),
        message(zipped({"report.xml": XML}, zipfile.ZIP_STORED), "application/x-zip-compressed"),
        message(gzip.compress(XML), "application/gzip", "report.xml.gz"),
        message(gzip.compress(XML), "application/zip", "report.zip"),  # wrong name
        message(gzip.compress(XML), "text/plain", "REPORT.XML.GZ"),  # wrong type
        message(XML, "text/xml"),
        message(XML, "application/octet-stream", "report.xml"),
        message(b"\r\n" + gzip.compress(XML), "application/gzip"),
        plain(zipped({"report.xml": XML}), "application/zip"),
        plain(gzip.compress(XML), "application/gzip"),
        plain(XML, "application/xml"),
        plain(XML, "text/plain"),
    ],
)
def test_report_is_found_whatever_its_type_and_name_say(data):
    assert find(data).strip() == XML.strip()


def test_tls_report_is_found_by_its_type():
    for content_type in ("application/tlsrpt+gzip", "application/gzip"):
        assert json.loads(find(message(tls_json(), content_type), attached.TLS)) == GOOGLE_TLS
    assert find(plain(json.dumps(GOOGLE_TLS).encode(), "application/tlsrpt+json"), attached.TLS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped({"a.xml": XML, "b.xml": XML}), "holds 2 files"),
        (zipped({}), "no DMARC report"),
        (zipped({"a.xml": XML})[:-30], "damaged|too early"),
        (zipped({"a.xml": XML}).replace(b"\x00\x00a.xml", b"\xff\xffa.xml"), "damaged|encrypted|too early"),
        (gzip.compress(XML)[:-20], "too early"),
        (gzip.compress(XML)[:40] + b"\0" * 400, "damaged|too early"),
        (gzip.compress(b"<" * (30 << 20)), "grows too much|larger than"),
        (gzip.compress(b"hello"), "no DMARC report"),
        (b"%PDF-1.4", "no DMARC report"),
    ],
)
def test_what_cannot_be_unpacked_is_told_in_words(content, words):
    with pytest.raises(BadReport, match=words):
        find(message(content, "application/zip", "report.zip"))


def test_unpacking_stops_at_the_first_byte_too_many(monkeypatch):
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 2 << 20)
    noise = b"".join(zlib.crc32(bytes([n % 251, n // 251 % 251])).to_bytes(4, "big") * 16 for n in range(40_000))
    with pytest.raises(BadReport, match="larger than 2 MB"):
        unpack.unpack(gzip.compress(noise))


def test_message_over_the_limit_is_not_looked_into():
    with pytest.raises(BadReport, match="larger than 15 MB"):
        find(plain(b"<feedback/>", "text/xml") + b"x" * (15 << 20))


def test_report_within_a_forwarded_message_does_not_count():
    inner = message(gzip.compress(XML), "application/gzip", "report.xml.gz")
    data = (
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner
        + b"\r\n--o--"
    )
    with pytest.raises(BadReport, match="no DMARC report"):
        find(data)


def test_google_report_is_read_whole():
    report = dmarc.parse(XML)
    assert (report.organisation, report.report_id) == ("google.com", "11223344556677889900")
    assert (report.begin, report.end) == (1795219200, 1795305599)
    policy = report.policy
    assert (policy.domain.ascii, policy.policy, policy.percentage) == ("example.com", "reject", 100)
    own, other = report.rows
    assert (own.source, own.count, own.has_passed) == (ipaddress.ip_address("192.0.2.10"), 12, True)
    assert (other.disposition, other.has_passed) == (Disposition.QUARANTINE, False)
    assert other.reasons == ("local_policy: arc=fail",)
    assert [one.domain for one in other.dkim_results if one.has_passed] == ["mail.newsletter.example"]


def test_what_senders_do_otherwise_is_read_all_the_same():
    report = dmarc.parse(MICROSOFT.encode())
    assert (report.policy.domain.ascii, report.policy.percentage) == ("example.com", 100)
    assert (report.begin, report.end) == (1795219200, 1795305600)
    (row,) = report.rows
    assert (str(row.source), row.count, row.dkim, row.spf) == ("2001:db8::25", 7, True, False)
    assert (row.disposition, row.envelope_to, row.envelope_from) == (Disposition.NONE, "jim.example", "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<feedback>", '<!DOCTYPE f [<!ENTITY a "b">]><feedback>', "DTD"),
        ("<feedback>", '<!DOCTYPE f SYSTEM "file:///etc/passwd"><feedback>', "DTD"),
        ("google.com</org", "&other;</org", "broken at line"),
        ("UTF-8", "x-nobody", "broken at line"),
        ("<feedback>", "<html>", "broken|no DMARC report"),
        ("<count>12", "<count>many", "count of messages is not a number: 'many'"),
        ("<count>12", "<count>-12", "not a number"),
        ("<begin>1795219200", "<begin>yesterday", "begin of the report is not a time"),
        ("<end>1795305599", "<end>1", "ends before it begins"),
        ("<domain>example.com</domain><adkim>", "<domain>exa mple</domain><adkim>", "policy is not a domain"),
        ("<report_id>11223344556677889900", "<report_id>", "no report id"),
        ("</feedback>", "", "broken at line"),
        ("<row>", "<row>" + "<a>" * 20, "too many elements"),
        ("<row>", "<row>" + "<a/>" * 600, "too many elements"),
        ("<row>", "<row " + " ".join(f'a{n}=""' for n in range(30)) + ">", "too many elements"),
        ("<row>", "<row " + " ".join(f'a{n}=""' for n in range(20_000)) + ">", "a piece that is too long"),
    ],
)
def test_dmarc_report_that_cannot_be_used_is_told_in_words(old, new, words):
    assert old in GOOGLE
    with pytest.raises(BadReport, match=words):
        dmarc.parse(GOOGLE.replace(old, new, 1).encode())


def test_number_of_rows_is_bounded(monkeypatch):
    monkeypatch.setattr(dmarc, "MAX_ROWS", 1)
    with pytest.raises(BadReport, match="more than 1 rows"):
        dmarc.parse(XML)


def test_text_of_strangers_is_short_and_printable():
    name = "x\u202eevil" + "y" * 5000
    report = dmarc.parse(GOOGLE.replace("google.com</org_name>", f"{name}</org_name>").encode())
    assert report.organisation.startswith("x?evil")
    assert len(report.organisation) <= 300


def test_google_tls_report_is_read_whole():
    report = tls.parse(json.dumps(GOOGLE_TLS).encode())
    assert (report.organisation, report.end - report.begin) == ("Google Inc.", 86399)
    (policy,) = report.policies
    assert (policy.kind, policy.domain.ascii, policy.successful, policy.failed) == ("sts", "example.com", 41, 2)
    (failure,) = policy.failures
    assert (failure.result, failure.sessions, failure.receiving_host) == ("certificate-expired", 2, "mail.example.com")


def test_tls_report_of_other_senders_is_read_all_the_same():
    report = tls.parse(b"\xef\xbb\xbf" + json.dumps(ODD_TLS).encode())
    (policy,) = report.policies
    assert (report.report_id, policy.successful, policy.failed, policy.hosts) == ("133456", 3, 0, ("mail.example.com",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "broken at line 1"),
        (b"[]", "no TLS report"),
        (b"{}", "no report id"),
        (b'{"a":' + b"[" * 100_000, "too many elements"),
        (b"[" + b"1," * 500_000 + b"1]", "too many elements"),
        (b'{"report-id": 1' + b"0" * 5000 + b"}", "broken"),
        (json.dumps(GOOGLE_TLS).replace("23:59:59Z", "noon").encode(), "end of the report is not a time"),
        (json.dumps(GOOGLE_TLS).replace('"policy-domain": "example.com"', '"x": 1').encode(), "not a domain name"),
        (json.dumps(GOOGLE_TLS).replace("41", "-1").encode(), "not a number"),
    ],
)
def test_tls_report_that_cannot_be_used_is_told_in_words(content, words):
    with pytest.raises(BadReport, match=words):
        tls.parse(content)


@pytest.mark.parametrize(("start", "filling"), [(b"", b'"\\'), (b'{"a":"', b'\\"'), (b"", b"<")])
def test_hostile_text_takes_linear_time(start, filling):
    def read_long(count: int) -> None:
        for parse in (tls.parse, dmarc.parse):
            with pytest.raises(BadReport):
                parse(start + filling * count)

    assert_linear(read_long, 500_000)


def test_times_and_percentages_of_all_forms():
    assert moment(" 1795219200 ", "x") == moment("2026-11-21T00:00:00Z", "x") == moment("2026-11-21 00:00:00", "x")
    assert [percentage(one) for one in ("50 %", "100%", "", "101", None)] == [50, 100, None, None, None]


_PIECES = [XML, MICROSOFT.encode(), json.dumps(GOOGLE_TLS).encode(), gzip.compress(XML), zipped({"a": XML}), tls_json()]


@st.composite
def mutilated(draw):
    """A report of which some bytes are others."""
    data = bytearray(draw(st.sampled_from(_PIECES)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 40))] = draw(st.binary(max_size=40))
    return bytes(data)


def words_or_report(work):
    """Any exception but BadReport fails the test."""
    try:
        result = work()
    except BadReport as error:
        result = error.message
    assert result


@settings(max_examples=int(os.environ.get("MOX_EXAMPLES", "150")), deadline=None)
@given(st.one_of(mutilated(), st.binary(max_size=200)), st.sampled_from(["application/zip", "text/xml", "text/plain"]))
def test_any_bytes_give_a_report_or_an_error_in_words(content, content_type):
    for parse in (dmarc.parse, tls.parse):
        words_or_report(lambda parse=parse: parse(content))
    for data in (content, message(content, content_type, "r.gz"), plain(content, content_type)):
        for kind in (attached.DMARC, attached.TLS):
            words_or_report(lambda data=data, kind=kind: find(data, kind))
