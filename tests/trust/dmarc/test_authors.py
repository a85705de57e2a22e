"""Whose domain a From field names, and when it is nobody's for certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trust.dmarc.authors import MAX_DOMAINS, read_authors
from tests.support.growth import assert_linear


def read(*values: str) -> tuple[list[str], str]:
    header = "".join(f"From: {value}\r\n" for value in values).encode("utf-8", "surrogateescape")
    found = read_authors(b"Subject: x\r\n" + header)
    return [domain.ascii for domain in found.domains], found.fault


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("a@example.org", "example.org"),
        ("Jane <a@Example.ORG>", "example.org"),
        ('"boss@bank.example" <a@example.org>', "example.org"),
        ("a@example.org (boss@bank.example)", "example.org"),
        ("=?utf-8?q?boss=40bank.example?= <a@example.org>", "example.org"),
        ("a@example.org <a@example.org>", "example.org"),
        ("Doe, Jane <a@example.org>", "example.org"),
        ("a@example.org, b@example.org", "example.org"),
        ("a@bücher.example", "xn--bcher-kva.example"),
        ('"a b"@example.org', "example.org"),
        ("a@example.org\r\n\t(folded)", "example.org"),
    ],
)
def test_a_domain_that_is_certain(value, domain):
    assert read(value) == ([domain], "")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((), "no From"),
        (("a@example.org", "a@example.org"), "2 From"),
        (("",), "no address"),
        (("Jane",), "no address"),
        (("a@example.org, b@example.net",), "several domains"),
        (("boss@bank.example <a@example.org>",), "several domains"),
        (("<boss@bank.example>, a@example.org",), "several domains"),
        (("a@bank.example@example.org",), "several domains"),
        (('a@example.org (") , <boss@bank.example> (")',), "several domains"),
        (('"a@example.org, boss@bank.example',), "several domains"),
        (("friends: a@example.org;",), "group"),
        (("a\x00@example.org",), "control"),
        (("a@-bad-",), "no domain name"),
        (("a@[192.0.2.1]",), "no domain name"),
        (("a@example.org ( , <boss@bank.example>",), "does not end"),
        (('a@example.org ("(") , <boss@bank.example>',), "does not end"),
    ],
)
def test_what_cannot_pass(values, words):
    assert words in read(*values)[1]


def test_domains_that_a_reader_may_see_are_listed():
    assert read("boss@bank.example <a@example.org>")[0] == ["example.org", "bank.example"]
    assert read("a@one.example", "b@two.example")[0] == ["one.example", "two.example"]


def test_more_domains_than_are_asked():
    header = b"From: " + b", ".join(b"a@d%d.example" % n for n in range(1000)) + b"\r\n"
    found = read_authors(header)
    assert len(found.domains) == MAX_DOMAINS
    assert found.has_more


def test_the_address_is_given_when_there_is_one():
    assert str(read_authors(b"From: J <j@example.org>\r\n").address) == "j@example.org"
    assert read_authors(b"From: j@example.org, k@example.org\r\n").address is None


@given(st.binary(max_size=200))
def test_any_bytes_give_authors(raw):
    found = read_authors(b"From:" + raw)
    assert found.domain is None or not found.fault


@pytest.mark.parametrize(
    "part", ["a@\u00fc\u0661-x.example, ", "@ ", "(", '"', "<", "a@b,", "=?utf-8?q?a?= ", "x: a@b;", "\\"]
)
def test_hostile_fields_are_cheap(part):
    def read_long(count: int) -> None:
        assert read_authors(("From: " + part * count + "\r\n").encode() * 10).fault

    assert_linear(read_long, 4000)
