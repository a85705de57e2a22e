"""Authentication-Results: written exactly, read with all its comments, and forgeries found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MessageSyntaxError
from app.wire.message.authresults import (
    MethodResult,
    Property,
    parse_results,
    removable,
    without_claims,
    write_results,
)
from app.wire.message.header import unfold
from tests.support.growth import assert_linear

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], include_characters=" "), max_size=40)


def written(*results: MethodResult, server: str = "mx.example.org") -> str:
    return unfold(write_results(server, results).partition(b":")[2])


def test_a_field_as_rfc8601_has_them():
    one = MethodResult(
        method="dkim",
        result="pass",
        comment="2048 bits (RSA)",
        properties=(Property("header", "d", "example.com"), Property("header", "i", "@example.com")),
    )
    two = MethodResult(
        method="spf", result="fail", reason='not "listed"', properties=(Property("smtp", "mailfrom", "a@b.example"),)
    )
    assert written(one, two).replace("\t", " ") == (
        r"mx.example.org; dkim=pass (2048 bits \(RSA\)) header.d=example.com header.i=@example.com;"
        r' spf=fail reason="not \"listed\"" smtp.mailfrom=a@b.example'
    )
    assert written() == "mx.example.org; none"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", '"a b"'),
        ("a;b", '"a;b"'),
        ("a/b=", '"a/b="'),
        ("", '""'),
        ("x\r\nSubject: y", '"x??Subject: y"'),
        ('"a b"@example.org', r'"\"a b\"@example.org"'),
        ("a.b+c=d@example.org", "a.b+c=d@example.org"),
    ],
)
def test_values_are_quoted_where_they_must_be(value, text):
    field = written(MethodResult(method="x", result="pass", properties=(Property("policy", "p", value),)))
    assert field.replace("\t", " ") == f"mx.example.org; x=pass policy.p={text}"


@given(TEXT, TEXT, TEXT)
def test_what_is_written_can_be_read(value, reason, comment):
    one = MethodResult(
        method="x", result="pass", reason=reason, comment=comment, properties=(Property("smtp", "p", value),)
    )
    found = parse_results(written(one)).results[0]
    assert " ".join(found.value("smtp", "p").split()) == " ".join(value.split())
    assert " ".join(found.reason.split()) == " ".join(reason.split())


def test_comments_blanks_and_versions():
    found = parse_results(
        '(c) Foo.Example (it; (is)) 1 ; DKIM / 1 = Pass(ok)reason = "a;b" (x) header . D = example.org'
        ' smtp.mailfrom="a b"@example.org ; none=none;'
    )
    assert (found.server, found.version) == ("Foo.Example", 1)
    first = found.results[0]
    assert (first.method, first.result, first.reason) == ("dkim", "pass", "a;b")
    assert first.value("header", "d") == "example.org"
    assert first.value("smtp", "mailfrom") == "a b@example.org"
    assert parse_results("x.example; none").results == ()


@pytest.mark.parametrize(
    "value", ["", ";", "x.example", "x.example; pass", "x.example; dkim=pass garbage", "x" * 20_000, "x; a=b" * 3000]
)
def test_what_cannot_be_read(value):
    with pytest.raises(MessageSyntaxError):
        parse_results(value)


OURS = ("MX.example.org", "bücher.example")


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.org; dkim=pass",
        b"AUTHENTICATION-results : Mx.Example.ORG 1; dkim=pass",
        b"Authentication-Results:\r\n (hello) mx.example.org.\r\n\t; dkim=pass",
        b'Authentication-Results: "mx.example.org"; dkim=pass',
        b'Authentication-Results: "mx.ex\\ample.org" ; dkim=pass',
        b"Authentication-Results: =?utf-8?q?mx=2Eexample=2Eorg?=; dkim=pass",
        b"Authentication-Results: mx (x) .example.org; dkim=pass",
        b"Authentication-Results: mx . example . org; dkim=pass",
        b"Authentication-Results: (a;b) mx.example.org; dkim=pass",
        b"Authentication-Results: (a mx.example.org; dkim=pass",
        b'Authentication-Results: mx."example".org; dkim=pass',
        b"Authentication-Results: xn--bcher-kva.example; dkim=pass",
        "Authentication-Results: Bücher.example; dkim=pass".encode(),
        "Authentication-Results: ｍｘ。example。org; dkim=pass".encode(),
        b"Authentication-Results: ; dkim=pass",
        b"Authentication-Results: (" + b"x" * 70_000 + b") mx.example.org; dkim=pass",
        b"Authentication-Results: mx.example.org/1; dkim=pass",
    ],
)
def test_a_field_that_names_us_must_go(field):
    assert removable([b"Subject: x\r\n", field + b"\r\n"], OURS) == [1]


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.com; dkim=pass",
        b"Authentication-Results: mx.example.org.evil.example; dkim=pass",
        b"Authentication-Results: not-mx.example.org; dkim=pass",
        b"Authentication-Results: a.mx.example.org; dkim=pass",
        b"Authentication-Results: other.example; dkim=pass header.d=mx.example.org",
        b"ARC-Authentication-Results: i=1; mx.example.org; dkim=pass",
        b"Subject: mx.example.org; dkim=pass",
    ],
)
def test_a_field_of_others_stays(field):
    header = field + b"\r\nFrom: a@b.example\r\n\r\n"
    assert without_claims(header, OURS) == header


def test_claims_are_taken_out_and_the_rest_is_as_it_was():
    claim = b"Authentication-Results: mx.example.org;\r\n dkim=pass\r\n"
    assert without_claims(b"A: 1\r\n" + claim + b"B: 2\r\n" + claim + b"\r\n", OURS) == b"A: 1\r\nB: 2\r\n\r\n"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    field = b"Authentication-Results:" + raw + b"\r\n"
    removable([field], OURS)
    try:
        parse_results(unfold(raw))
    except MessageSyntaxError as err:
        assert err.message  # noqa: PT017


@given(
    st.lists(st.sampled_from([";", "(", ")", '"', "\\", "a", "=", ".", " ", "x.y=z", "mx.example.org"]), max_size=40)
)
def test_any_lexemes_are_read_or_refused(parts):
    try:
        assert parse_results("".join(parts)).server
    except MessageSyntaxError as err:
        assert err.message  # noqa: PT017


@pytest.mark.parametrize("part", ["(", '"', "\\", " ;", "=?utf-8?q?a?= ", "mx.example.org ", ". ", "ü ", "(;"])
def test_hostile_fields_are_cheap(part):
    field = b"Authentication-Results:%s\r\n"
    assert_linear(lambda count: removable([field % (part * count).encode()] * 10, OURS), 2500)
