import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.flags import FLAGGED, SEEN, FlagSet
from app.wire.imap.parse.append import AppendMessage, parse_append, parse_next, parse_replace
from app.wire.imap.sequence import STAR
from app.wire.imap.tokens import ImapCursor, IncompleteLiteral


def message(raw):
    return parse_append(ImapCursor(raw), "a").messages[0]


def test_what_stands_before_a_message():
    assert message(b" Inbox {5}\r\n") == AppendMessage(size_bytes=5)
    assert message(b' Inbox (\\Seen x \\Flagged) "17-Jul-1996 02:44:25 -0700" {5+}\r\n') == AppendMessage(
        size_bytes=5, flags=FlagSet(SEEN | FLAGGED, ("x",)), internaldate=837596665, is_synchronizing=False
    )
    assert message(b" Inbox ~{5}\r\n").is_binary
    assert message(b" Inbox utf8 (~{5}\r\n").is_utf8


@pytest.mark.parametrize(
    "raw", [b" Inbox", b" Inbox x", b' Inbox "x"', b" Inbox (\\Seen)", b" Inbox UTF8 ({5}\r\n", b" Inbox {5}\r\nhello"]
)
def test_without_the_announcement_of_a_message_it_is_no_append(raw):
    with pytest.raises(ImapSyntaxError):
        message(raw)


def test_a_literal_may_be_the_mailbox():
    with pytest.raises(IncompleteLiteral):
        message(b" {5}\r\n")
    assert parse_append(ImapCursor(b" {5}\r\nInbox {3}\r\n"), "a").mailbox == "Inbox"


def test_what_stands_after_a_message():
    plain, utf8 = AppendMessage(size_bytes=1), AppendMessage(size_bytes=1, is_utf8=True, is_binary=True)
    assert parse_next(ImapCursor(b""), plain) is None
    assert parse_next(ImapCursor(b")"), utf8) is None
    assert parse_next(ImapCursor(b" (\\Seen) {7}\r\n"), plain).size_bytes == 7
    for raw, last in ((b")", plain), (b"", utf8), (b"x", plain)):
        with pytest.raises(ImapSyntaxError):
            parse_next(ImapCursor(raw), last)


def test_replace_names_one_message():
    assert parse_replace(ImapCursor(b" 4 Drafts {9}\r\n"), "a", uid=True).target == 4
    assert parse_replace(ImapCursor(b" * Drafts {9}\r\n"), "a").target == STAR
    with pytest.raises(ImapSyntaxError):
        parse_replace(ImapCursor(b" 1:2 Drafts {9}\r\n"), "a")
