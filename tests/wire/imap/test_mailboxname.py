import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadMailboxName
from app.wire.imap.mailboxname import MAX_BYTES, MAX_LEVELS, Pattern, canonical, parse_mailbox, write_mailbox
from app.wire.imap.tokens import ImapCursor
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("inBOX", "Inbox"),
        ("INBOX/a", "Inbox/a"),
        ("a/INBOX", "a/INBOX"),
        ("inboxes", "inboxes"),
        ("e\u0301", "é"),
        ("a b/c&d", "a b/c&d"),
    ],
)
def test_canonical_names(name, kept):
    assert canonical(name) == kept


@pytest.mark.parametrize(
    "name",
    [
        *("", "/a", "a/", "/", "a//b", ".", "..", "a/../b", "a/.", "#news", "a\nb", "a\x7f", "a\x85", "a\u2028"),
        "x" * (MAX_BYTES + 1),
        "/".join("a" * (MAX_LEVELS + 1)),
        "\ud800",
    ],
)
def test_names_that_cannot_be(name):
    with pytest.raises(BadMailboxName):
        canonical(name)


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize("name", ["Inbox", "a b", "Entwürfe", 'q"\\', "a&b", "NIL", "a%*"])
def test_written_names_read_back(name, utf8):
    assert parse_mailbox(ImapCursor(write_mailbox(name, utf8=utf8), utf8=utf8)) == name


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "a/b", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a", False),
        ("a*", "a/b/c", True),
        ("%/%", "a/b", True),
        ("%/%", "a/b/c", False),
        ("*b", "a/b", True),
        ("a%b", "axxb", True),
        ("%%*%", "a/b", True),
        ("", "a", False),
        ("inbox", "Inbox", True),
        ("INBOX/%", "Inbox/x", True),
        ("IN%", "Inbox", True),
        ("*BOX*", "Inbox/x", True),
        ("*BOX", "Mailbox", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns(pattern, name, fits):
    assert Pattern(pattern).matches(name) is fits


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_patterns_match_as_the_same_regular_expression(pattern, name):
    regex = "".join({"*": ".*", "%": "[^/]*"}.get(symbol, re.escape(symbol)) for symbol in pattern)
    assert Pattern(pattern).matches(name) is (re.fullmatch(regex, name) is not None)


def test_a_hostile_pattern_takes_no_time():
    pattern = Pattern("*a%" * 300 + "b")
    assert not pattern.matches("a" * 1000)
    assert_linear(lambda length: pattern.matches("a" * length), 125)
