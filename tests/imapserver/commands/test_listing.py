import pytest

from app.imapserver.commands.listing import Names, choose
from app.store.account.records import Mailbox
from app.wire.imap.parse.listing import ListCommand
from app.wire.imap.table import parse_command


def mailbox(number, name, special_use=None):
    return Mailbox(
        id=number,
        name=name,
        special_use=special_use,
        **dict.fromkeys(("uidvalidity", "uidnext", "createseq", "modseq"), 1),
        **dict.fromkeys(("total", "unseen", "deleted", "size_bytes", "deleted_bytes"), 0),
        keywords="",
    )


NAMES = Names(
    {
        name: mailbox(number, name, use)
        for number, (name, use) in enumerate(
            [
                ("Inbox", None),
                ("Inbox/a", None),
                ("Sent", "\\Sent"),
                ("foo", None),
                ("foo/bar", None),
                ("foo/bar/x", "\\Junk"),
            ]
        )
    },
    subscribed={"Inbox", "foo/bar", "gone/deep"},
    with_children={"Inbox", "foo", "foo/bar", ""},
)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('"" *', ["Inbox", "Inbox/a", "Sent", "foo", "foo/bar", "foo/bar/x"]),
        ('"" %', ["Inbox", "Sent", "foo"]),
        ("foo/ %", ["foo/bar"]),
        ('"" inbox', ["Inbox"]),
        ('"" (Sent foo/%)', ["Sent", "foo/bar"]),
        ('(SUBSCRIBED) "" *', ["Inbox", "foo/bar", "gone/deep"]),
        ('(SUBSCRIBED) "" %', ["Inbox"]),
        ('(SUBSCRIBED RECURSIVEMATCH) "" %', ["Inbox", "foo SUBSCRIBED", "gone SUBSCRIBED"]),
        ('(SPECIAL-USE) "" *', ["Sent", "foo/bar/x"]),
        ('(SPECIAL-USE RECURSIVEMATCH) "" foo*', ["foo SPECIAL-USE", "foo/bar SPECIAL-USE", "foo/bar/x"]),
        ('(SUBSCRIBED SPECIAL-USE) "" *', []),
        ('(REMOTE) "" foo', ["foo"]),
    ],
)
def test_which_names_are_shown(arguments, shown):
    command = parse_command(f"a LIST {arguments}".encode())
    assert isinstance(command, ListCommand)
    assert [" ".join((listed.name, *listed.childinfo)) for listed in choose(command, NAMES)] == shown


@pytest.mark.parametrize(
    ("arguments", "attributes"),
    [
        ('"" Inbox', ("\\HasChildren",)),
        ('"" Inbox RETURN (SUBSCRIBED)', ("\\HasChildren", "\\Subscribed")),
        ('"" foo RETURN (SUBSCRIBED CHILDREN)', ("\\HasChildren",)),
        ('"" Sent', ("\\HasNoChildren", "\\Sent")),
        ('(SUBSCRIBED) "" gone/*', ("\\NonExistent", "\\HasNoChildren", "\\Subscribed")),
    ],
)
def test_what_is_said_of_a_name(arguments, attributes):
    (listed,) = choose(parse_command(f"a LIST {arguments}".encode()), NAMES)
    assert listed.attributes == attributes


def test_the_empty_pattern_asks_for_the_separator(world):
    world.run('C: a LIST "" ""\nS: * LIST (\\Noselect) "/" ""\nS: /a OK .*/', signed_in=True)
