import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.mailbox import CreateCommand, RenameCommand, SpecialUse, StatusCommand, StatusItem
from app.wire.imap.table import parse_command


def test_names_are_decoded_as_the_client_writes_them():
    assert parse_command(b"a RENAME &AOk- {3}\r\nx y") == RenameCommand("a", "é", "x y")
    assert parse_command(b'a RENAME &AOk- "\xc3\xa9"', utf8=True) == RenameCommand("a", "&AOk-", "é")
    with pytest.raises(ImapSyntaxError):
        parse_command(b'a DELETE "\xc3\xa9"')


def test_create_with_special_uses_and_with_a_separator_at_the_end():
    assert parse_command(b"a CREATE x (use (\\sent \\Drafts))").special_uses == (SpecialUse.SENT, SpecialUse.DRAFTS)
    assert parse_command(b"a CREATE x (USE ())") == parse_command(b"a CREATE x/") == CreateCommand("a", "x")
    for raw in (b"(USE (\\Nope))", b"(USE \\Sent)", b"(FOO (\\Sent))", b"USE (\\Sent)", b"(USE (\\Sent)"):
        with pytest.raises(ImapSyntaxError):
            parse_command(b"a CREATE x " + raw)


def test_status_items_each_once():
    command = parse_command(b"a STATUS x (messages UIDNEXT MESSAGES)")
    assert command == StatusCommand("a", "x", (StatusItem.MESSAGES, StatusItem.UIDNEXT))
    for raw in (b"()", b"(FOO)", b"MESSAGES"):
        with pytest.raises(ImapSyntaxError):
            parse_command(b"a STATUS x " + raw)
