import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.fetch import Attribute
from app.wire.imap.parse.mailboxfilter import FilterKind, MailboxFilter
from app.wire.imap.parse.notify import COUNTS, EventGroup, NotifyCommand, NotifyEvent
from app.wire.imap.table import parse_command


def notify(text: str) -> NotifyCommand:
    command = parse_command(b"a NOTIFY " + text.encode())
    assert isinstance(command, NotifyCommand)
    return command


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("NONE", ()),
        ("set (Personal none)", (EventGroup(MailboxFilter(FilterKind.PERSONAL)),)),
        (
            "SET (subtree (a b) (messagenew MESSAGEEXPUNGE))",
            (EventGroup(MailboxFilter(FilterKind.SUBTREE, ("a", "b")), COUNTS),),
        ),
        (
            "SET (inboxes (MailboxName)) (mailboxes x (SubscriptionChange))",
            (
                EventGroup(MailboxFilter(FilterKind.INBOXES), frozenset({NotifyEvent.MAILBOX_NAME})),
                EventGroup(MailboxFilter(FilterKind.MAILBOXES, ("x",)), frozenset({NotifyEvent.SUBSCRIPTION_CHANGE})),
            ),
        ),
    ],
)
def test_groups(text: str, groups: tuple[EventGroup, ...]):
    assert notify(text) == NotifyCommand("a", groups)


def test_items_are_read_with_new_messages_of_the_selected_mailbox():
    command = notify("SET STATUS (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge))")
    assert command.has_status
    assert [item.attribute for item in command.groups[0].items] == [Attribute.UID, Attribute.BODY_SECTION]
    assert not command.has_unknown


def test_event_that_is_not_known_is_no_syntax_error():
    assert notify("SET (personal (MailboxName Sunrise)) (inboxes NONE)").has_unknown


@pytest.mark.parametrize(
    "text",
    [
        *("", "ALL", "SET", "SET STATUS", "SET ()", "SET (personal)", "SET (personal ())", "SET (nowhere NONE)"),
        *("NONE (personal NONE)", "SET(personal NONE)", "SET (personal NONE)(inboxes NONE)", "SET (personal NONE"),
        *("SET (selected NONE) (selected-delayed NONE)", "SET (selected (MailboxName))"),
        *("SET (personal (MessageNew))", "SET (personal (MessageExpunge))", "SET (selected (FlagChange))"),
        *("SET (personal (MessageNew (UID) MessageExpunge))", "SET (selected (MessageNew () MessageExpunge))"),
        *("SET (mailboxes (MailboxName))", "SET (subtree () NONE)", "SET (personal (MailboxName (UID)))"),
    ],
)
def test_what_is_no_notify(text: str):
    with pytest.raises(ImapSyntaxError):
        notify(text)
