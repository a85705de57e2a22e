import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.listing import ListCommand, LsubCommand, ReturnOption, SelectOption
from app.wire.imap.parse.mailbox import StatusItem
from app.wire.imap.table import parse_command


def test_plain_forms():
    assert parse_command(b'a LIST "" %') == ListCommand("a", "", ("%",))
    assert parse_command(b'a LIST "" ""') == ListCommand("a", "", ("",))
    assert parse_command(b"a LSUB x/ &AOk-*") == LsubCommand("a", "x/", "é*")


def test_extended_forms():
    command = parse_command(
        b'a LIST (SUBSCRIBED recursivematch) "" (INBOX "a b/%") RETURN '
        b"(CHILDREN STATUS (MESSAGES UNSEEN) METADATA (/private/x))"
    )
    assert command == ListCommand(
        "a",
        "",
        ("INBOX", "a b/%"),
        is_extended=True,
        select=frozenset({SelectOption.SUBSCRIBED, SelectOption.RECURSIVEMATCH}),
        returns=frozenset({ReturnOption.CHILDREN, ReturnOption.STATUS, ReturnOption.METADATA}),
        status_items=(StatusItem.MESSAGES, StatusItem.UNSEEN),
        metadata_entries=("/private/x",),
    )
    assert parse_command(b'a LIST () "" *').is_extended
    assert parse_command(b'a LIST "" * RETURN ()').is_extended


@pytest.mark.parametrize(
    "raw",
    [
        b'(RECURSIVEMATCH) "" *',
        b'(FOO) "" *',
        b'"" ()',
        b'"" * RETURN',
        b'"" * RETURN (FOO)',
        b'"" * RETURN (STATUS)',
        b"*",
    ],
)
def test_bad_forms(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a LIST " + raw)
