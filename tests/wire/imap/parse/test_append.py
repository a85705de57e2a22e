import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.flags import FLAGGED, SEEN, FlagSet
from app.wire.imap.parse.append import AppendMessage, CatText, CatUrl, parse_append, parse_more, parse_replace
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
    assert parse_more(ImapCursor(b""), (plain,)) == (plain,)
    assert parse_more(ImapCursor(b")"), (utf8,)) == (utf8,)
    assert parse_more(ImapCursor(b" (\\Seen) {7}\r\n"), (plain,))[1].size_bytes == 7
    for raw, last in ((b")", plain), (b"", utf8), (b"x", plain)):
        with pytest.raises(ImapSyntaxError):
            parse_more(ImapCursor(raw), (last,))


def test_parts_are_read_up_to_a_text_and_on_from_there():
    first = parse_append(ImapCursor(b' Inbox (\\Seen) CATENATE (URL "/a/;UID=1" TEXT {5}\r\n'), "a").messages
    assert first[0].parts == (CatUrl("/a/;UID=1"), CatText(5))
    assert first[0].size_bytes == 5
    more = parse_more(ImapCursor(b" TEXT ~{7+}\r\n"), first)
    (message,) = parse_more(ImapCursor(b" URL x)"), more)
    assert message.parts == (CatUrl("/a/;UID=1"), CatText(5), CatText(7), CatUrl("x"))
    assert (message.is_open, message.is_binary, message.sent_bytes) == (False, True, 12)
    assert len(parse_more(ImapCursor(b" URL x) CATENATE (URL y) {3}\r\n"), more)) == 3


@pytest.mark.parametrize(
    "rest", [b"()", b"(URL x", b"(URL x )", b"(TEXT x)", b"(FILE x)", b"(URL x) ", b"(" + b"URL x " * 501]
)
def test_what_is_no_list_of_parts_is_refused(rest):
    with pytest.raises(ImapSyntaxError):
        message(b" Inbox CATENATE " + rest)


def test_replace_names_one_message():
    assert parse_replace(ImapCursor(b" 4 Drafts {9}\r\n"), "a", uid=True).target == 4
    assert parse_replace(ImapCursor(b" * Drafts {9}\r\n"), "a").target == STAR
    with pytest.raises(ImapSyntaxError):
        parse_replace(ImapCursor(b" 1:2 Drafts {9}\r\n"), "a")
