from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MessageSyntaxError
from app.wire.message.addresses import (
    MAX_ADDRESSES,
    AddressGroup,
    HeaderAddress,
    address_text,
    mailboxes,
    parse_addresses,
    parse_from,
)


@given(st.text(alphabet=st.sampled_from('ab@<>,:;()"\\. []\t\udcff'), max_size=60))
def test_any_value_gives_addresses(value):
    for address in mailboxes(parse_addresses(value)):
        assert isinstance(address.name_text, str)
        assert isinstance(address.address, str)


@given(st.text(max_size=60))
def test_from_is_read_or_refused(value):
    with contextlib.suppress(MessageSyntaxError):
        assert parse_from(value)


def test_number_of_addresses_is_bounded():
    assert len(parse_addresses("a@b," * (MAX_ADDRESSES * 2))) == MAX_ADDRESSES
    assert len(parse_addresses("a b@c," * (MAX_ADDRESSES * 2))) == MAX_ADDRESSES
    assert len(parse_addresses(":;" * (MAX_ADDRESSES * 2))) == MAX_ADDRESSES


def test_plain_and_odd_addresses_in_one_list():
    assert parse_addresses('a@b, "X" <c@d>, g: e@f;, (c) Y Z <h@i>') == [
        HeaderAddress(None, "a", "b"),
        HeaderAddress("X", "c", "d"),
        AddressGroup("g", (HeaderAddress(None, "e", "f"),)),
        HeaderAddress("Y Z", "h", "i"),
    ]


@pytest.mark.parametrize(
    "value", ["a@x.org Subject: Hi", "a@x.org Subject: b, <", "<a@x.org> Subject: [x] y", '<a@x.org> To: "q <b@y.org>']
)
def test_a_field_behind_an_address_hides_it_not(value):
    assert parse_addresses(value)[0] == HeaderAddress(None, "a", "x.org")


def test_bracket_that_closes_nothing_belongs_to_no_domain():
    assert parse_addresses("a@b>, c@d >") == [HeaderAddress(None, "a", "b"), HeaderAddress(None, "c", "d")]


def test_name_for_people_is_decoded():
    [address] = mailboxes(parse_addresses("=?iso-8859-1?q?J=F6e?= <j@X.example>"))
    assert address.name_text == "Jöe"
    assert address.address == "j@x.example"


@pytest.mark.parametrize(
    ("value", "name", "localpart", "domain"),
    [
        ("a@example.org", "", "a", "example.org"),
        ("<a@example.org>", "", "a", "example.org"),
        ("Joe Q. Public <a.b@Example.ORG>", "Joe Q. Public", "a.b", "example.org"),
        ('"Joe, \\"Q\\"" <a@b.example>', 'Joe, "Q"', "a", "b.example"),
        ('"a b"@b.example (comment)', "", "a b", "b.example"),
        ("=?utf-8?q?J=C3=B6e?= <ü@b.example>", "Jöe", "ü", "b.example"),
        ("Jöe <a@bücher.example>", "Jöe", "a", "xn--bcher-kva.example"),
    ],
)
def test_from_with_one_author(value, name, localpart, domain):
    [author] = parse_from(value)
    assert (author.name, author.localpart, author.domain.ascii) == (name, localpart, domain)


def test_from_with_two_authors():
    assert [author.localpart for author in parse_from("a@x.example, B <b@x.example>")] == ["a", "b"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  (only a comment)",
        "joe",
        "joe@",
        "@x.example",
        "Joe <a@x.example",
        "a@x.example <b@x.example>",
        "a@x.example b@x.example",
        "a@x.example,",
        "a@x.example,,b@x.example",
        "<@relay:a@x.example>",
        "group: a@x.example;",
        "a@[192.0.2.1]",
        "a@x..example",
        '"a@x.example',
        "<a@x.example>b@x.example",
        "a@" + "x" * 300,
    ],
)
def test_from_that_could_be_read_in_two_ways_is_refused(value):
    with pytest.raises(MessageSyntaxError):
        parse_from(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A (c) B <a (d) @ example.com>", "A B <a@example.com>"),
        ("a@x.org, =?utf-8?q?J=C3=B6rg?= <j@x.org>", "<a@x.org>, Jörg <j@x.org>"),
        ("friends: a@x.org;", "friends:, <a@x.org>"),
        ("", ""),
    ],
)
def test_text_to_search_has_no_comments(value, expected):
    assert address_text(value) == expected


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ('a@evil.example (") , <boss@bank.example> (")', ["a@evil.example", "boss@bank.example"]),
        ('(") boss@bank.example (") <a@evil.example>', ["a@evil.example"]),
        (r'a@evil.example (\) ") , boss@bank.example', ["a@evil.example", "boss@bank.example"]),
    ],
)
def test_quotes_mean_nothing_in_comments(value, addresses):
    assert [one.address for one in mailboxes(parse_addresses(value))] == addresses


def test_a_comment_that_does_not_end_is_refused_in_from():
    with pytest.raises(MessageSyntaxError, match="does not end"):
        parse_from("a@evil.example ( , <boss@bank.example>")
