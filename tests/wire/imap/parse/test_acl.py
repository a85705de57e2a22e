import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.acl import (
    MAX_IDENTIFIER,
    DeleteaclCommand,
    ListrightsCommand,
    RightsMode,
    SetaclCommand,
    parse_deleteacl,
    parse_getacl,
    parse_listrights,
    parse_myrights,
    parse_setacl,
)
from app.wire.imap.rights import NONE, Right
from app.wire.imap.tokens import ImapCursor

READ = Right.LOOKUP | Right.READ


@pytest.mark.parametrize(
    ("raw", "mode", "rights"),
    [
        (b" INBOX jane lr", RightsMode.REPLACE, READ),
        (b' "INBOX" {4}\r\njane "+lr"', RightsMode.ADD, READ),
        (b" INBOX jane -rl", RightsMode.REMOVE, READ),
        (b' INBOX jane ""', RightsMode.REPLACE, NONE),
        (b" INBOX jane +", RightsMode.ADD, NONE),
    ],
)
def test_rights_replace_add_or_remove(raw, mode, rights):
    assert parse_setacl(ImapCursor(raw), "a") == SetaclCommand("a", "INBOX", "jane", mode, rights)


def test_identifiers_are_utf8_in_one_form_and_mailbox_names_as_ever():
    raw = b' Entw&APw-rfe "Ju\xcc\x88rgen"'
    assert parse_deleteacl(ImapCursor(raw), "a") == DeleteaclCommand("a", "Entwürfe", "Jürgen")
    assert parse_listrights(ImapCursor(b" x -anyone"), "a") == ListrightsCommand("a", "x", "-anyone")


def test_the_others_are_about_a_mailbox_alone():
    assert parse_getacl(ImapCursor(b" x"), "a").mailbox == "x"
    assert parse_myrights(ImapCursor(b' "x y"'), "a").mailbox == "x y"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" x",
        b" x jane",
        b" x jane LR",
        b" x jane lr?",
        b" x jane +-l",
        b' x "" lr',
        b' x "a\tb" lr',
        b' x "\xff" lr',
        b" x " + b"j" * (MAX_IDENTIFIER + 1) + b" lr",
    ],
)
def test_bad_forms(raw):
    with pytest.raises(ImapSyntaxError):
        parse_setacl(ImapCursor(raw), "a")
