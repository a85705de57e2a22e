import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.events import (
    AppendData,
    AppendEnd,
    AppendStart,
    BadCommand,
    CommandReceived,
    NeedContinuation,
    RawLine,
    TooBig,
)
from app.wire.imap.parse.append import AppendCommand, ReplaceCommand
from app.wire.imap.parse.session import AuthenticateCommand, IdleCommand, LoginCommand, NoopCommand
from app.wire.imap.server import ImapServer, Limits

SMALL = Limits(line=200, literal=100, command=300, command_before_login=150, pieces=3)


def machine(limits=SMALL, *, append_limit=1000, is_signed_in=True):
    server = ImapServer(limits)
    server.is_signed_in = is_signed_in
    server.append_limit = append_limit
    return server


def drain(server, on_event=lambda event: None):
    events = []
    while (event := server.next_event()) is not None:
        on_event(event)
        events.append(event)
    return events


def merged(events):
    """Events with neighbouring pieces of a message joined, as pieces depend on how the bytes came."""
    found = []
    for event in events:
        if isinstance(event, AppendData) and found and isinstance(found[-1], AppendData):
            found[-1] = AppendData(found[-1].data + event.data)
        else:
            found.append(event)
    return found


def summary(events):
    """Events without the texts of errors."""
    return [
        (type(event.error), event.tag, event.is_fatal) if isinstance(event, BadCommand) else event for event in events
    ]


def talk(data, size=None, **options):
    """The events of a dialogue fed whole, or in pieces of `size`."""
    server = machine(**options)

    def ask_for_line(event):
        if isinstance(event, CommandReceived) and isinstance(event.command, IdleCommand | AuthenticateCommand):
            server.expect_line()

    events = []
    for start in range(0, len(data), size or len(data)):
        server.receive_data(data[start : start + (size or len(data))])
        events += drain(server, ask_for_line)
    return merged(events)


DIALOGUES = {
    "plain": b"a NOOP\r\nb CAPABILITY\r\n",
    "literals": b"a LOGIN {3}\r\nmox {4+}\r\n\r\n{} x\r\nb LOGIN {3+}\r\nmox {0}\r\n\r\n",
    "empty line": b"\r\na NOOP\r\n",
    "append": b'a APPEND Inbox (\\Seen) "17-Jul-1996 02:44:25 -0700" {5}\r\nhello\r\nb NOOP\r\n',
    "append non-synchronizing": b"a APPEND Inbox {5+}\r\nhello\r\nb NOOP\r\n",
    "append empty": b"a APPEND Inbox {0+}\r\n\r\n",
    "append mailbox literal": b"a APPEND {5}\r\nInbox {2}\r\n\r\n\r\n",
    "append utf8": b"a APPEND Inbox UTF8 (~{5+}\r\nhello)\r\n",
    "multiappend": b"a APPEND Inbox {1+}\r\nx (\\Seen) {2+}\r\nyz\r\nb NOOP\r\n",
    "append bad flag": b"a APPEND Inbox (\\Nope) {5+}\r\na b\r\n\r\nb NOOP\r\n",
    "append bad tail": b"a APPEND Inbox {1+}\r\nx nonsense {3+}\r\na b\r\nb NOOP\r\n",
    "replace": b"a UID REPLACE 5 Inbox {1+}\r\nx\r\n",
    "replace of two": b"a UID REPLACE 5 Inbox {1+}\r\nx {3+}\r\nabc\r\nb NOOP\r\n",
    "unknown with literal": b"a XFOO {6+}\r\nb NO\r\n\r\nc NOOP\r\n",
    "unknown asking leave": b"a XFOO {6}\r\nc NOOP\r\n",
    "idle": b"a IDLE\r\nDONE\r\nb NOOP\r\n",
    "authenticate": b"a AUTHENTICATE PLAIN\r\nAGEAYg==\r\nb NOOP\r\n",
    "bare cr": b"a NOOP\rb\r\n",
    "bare lf": b"a NOOP\nb NOOP\r\n",
    "nul": b"a NO\0OP\r\nb NOOP\r\n",
    "too big literal": b"a LOGIN {101}\r\nb NOOP\r\n",
    "too big unasked": b"a LOGIN {101+}\r\n" + b"x" * 101 + b" y\r\nb NOOP\r\n",
    "too many literals": b"a LOGIN" + b" {0+}\r\n" * 4 + b"\r\n",
    "overlong line": b"a LOGIN " + b"x" * 300 + b"\r\nb NOOP\r\n",
    "append too big": b"a APPEND Inbox {1001}\r\nb NOOP\r\n",
    "append too big unasked": b"a APPEND Inbox {1001+}\r\n" + b"x" * 1001 + b"\r\nb NOOP\r\n",
    "TLS by mistake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n",
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_pieces_of_any_size_give_the_same_events(name):
    data = DIALOGUES[name]
    whole = summary(talk(data))
    assert whole
    for size in (1, 2, 3, 7):
        assert summary(talk(data, size)) == whole


def commands(events):
    return [event.command for event in events if isinstance(event, CommandReceived)]


def kinds(events):
    return [type(event) for event in events]


def test_a_synchronizing_literal_waits_for_our_leave_and_another_does_not():
    assert kinds(talk(b"a LOGIN {3}\r\n")) == [NeedContinuation]
    assert talk(b"a LOGIN {3}\r\n")[0].data.startswith(b"+ ")
    assert commands(talk(b"a LOGIN {3+}\r\nm}x {2+}\r\n{}\r\n")) == [LoginCommand("a", "m}x", "{}")]


def test_a_message_is_handed_on_and_its_command_comes_last():
    start, leave, data, end, done, noop = talk(DIALOGUES["append"])
    assert isinstance(start, AppendStart)
    assert (start.message.size_bytes, start.message.internaldate, start.message.flags.bits) == (5, 837596665, 1)
    assert (type(leave), data, end) == (NeedContinuation, AppendData(b"hello"), AppendEnd())
    assert isinstance(done.command, AppendCommand)
    assert noop.command == NoopCommand("b")


def test_a_mailbox_given_as_literal_is_not_the_message():
    events = talk(DIALOGUES["append mailbox literal"])
    assert kinds(events)[:3] == [NeedContinuation, AppendStart, NeedContinuation]
    assert commands(events)[0].mailbox == "Inbox"


def test_multiappend_gives_one_command_with_all_messages():
    events = talk(DIALOGUES["multiappend"])
    assert kinds(events).count(AppendStart) == 2
    assert [message.size_bytes for message in commands(events)[0].messages] == [1, 2]


def test_replace_takes_one_message_only():
    assert isinstance(commands(talk(DIALOGUES["replace"]))[0], ReplaceCommand)
    assert commands(talk(DIALOGUES["replace of two"])) == [NoopCommand("b")]


@pytest.mark.parametrize("name", ["append bad flag", "append bad tail", "unknown with literal"])
def test_a_literal_that_comes_unasked_after_a_mistake_is_not_read_as_commands(name):
    events = talk(DIALOGUES[name])
    assert [event.is_fatal for event in events if isinstance(event, BadCommand)] == [False]
    assert kinds(events)[-1] is CommandReceived
    assert len(commands(events)) == 1


def test_no_leave_is_given_for_an_unknown_command():
    assert NeedContinuation not in kinds(talk(DIALOGUES["unknown asking leave"]))


@pytest.mark.parametrize("unasked", [False, True])
def test_a_refused_message_is_skipped_and_brings_no_further_event(unasked):
    server = machine()
    server.receive_data(b"a APPEND Nope {9%b}\r\n" % (b"+" if unasked else b""))
    assert isinstance(server.next_event(), AppendStart)
    server.refuse_append()
    assert server.next_event() is None
    server.receive_data(b"b NOOP\r\nx (\\Seen) {2+}\r\nxy\r\n" if unasked else b"")
    server.receive_data(b"c NOOP\r\n")
    assert commands(drain(server)) == [NoopCommand("c")]


def test_an_oversize_literal_is_refused_before_it_is_read_or_ends_the_connection():
    for name in ("too big literal", "append too big"):
        bad, noop = talk(DIALOGUES[name])
        assert (type(bad.error), bad.tag, bad.is_fatal) == (TooBig, "a", False)
        assert noop.command == NoopCommand("b")
    for name in ("too big unasked", "append too big unasked"):
        (bad,) = talk(DIALOGUES[name])
        assert (type(bad.error), bad.is_fatal) == (TooBig, True)


@pytest.mark.parametrize("name", ["bare cr", "bare lf", "nul", "overlong line", "too many literals"])
def test_nothing_is_read_after_the_framing_broke(name):
    events = talk(DIALOGUES[name])
    assert [event.is_fatal for event in events if isinstance(event, BadCommand)] == [True]
    assert not commands(events)


def test_less_is_read_before_login_and_no_message():
    (bad,) = talk(b"a LOGIN {90+}\r\n%b {90}\r\n" % (b"x" * 90), is_signed_in=False)
    assert (type(bad.error), bad.is_fatal) == (TooBig, False)
    assert kinds(talk(b"a APPEND Inbox {5}\r\n", is_signed_in=False)) == [BadCommand]
    assert talk(b"a APPEND Inbox {500+}\r\n", is_signed_in=False)[-1].is_fatal


def test_bytes_behind_starttls_end_the_connection():
    (bad,) = talk(b"a STARTTLS\r\nb NOOP\r\n")
    assert bad.is_fatal


def test_what_came_before_the_handshake_is_forgotten():
    server = machine()
    server.receive_data(b"a STARTTLS\r\n")
    assert kinds(drain(server)) == [CommandReceived]
    server.receive_data(b"b LOG")
    assert drain(server) == []
    server.reset_after_starttls()
    server.receive_data(b"c NOOP\r\n")
    assert commands(drain(server)) == [NoopCommand("c")]


def test_a_line_is_raw_only_when_it_was_asked_for():
    assert RawLine(b"DONE") in talk(DIALOGUES["idle"])
    server = machine()
    server.receive_data(b"DONE\r\n")
    assert isinstance(server.next_event(), BadCommand)


def test_what_a_command_changes_holds_for_the_next_one_in_the_same_read():
    server = machine()
    server.receive_data(b'a ENABLE IMAP4rev2\r\nb SELECT "\xc3\xa9"\r\n')
    server.next_event()
    server.utf8 = True
    assert server.next_event().command.mailbox == "é"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                b"a LOGIN|b APPEND Inbox |c UID FETCH 1 (|BODY[|HEADER.FIELDS (|{3}\r\n|{3+}\r\n|~{9}\r\n|\r\n|)|]| |"
                b'"|d SEARCH OR NOT (|1:*|e STARTTLS\r\n|UTF8 (|f LIST "" *|g IDLE\r\n'.split(b"|")
            ),
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_random_bytes_give_events_only_and_bounded_buffers(pieces, is_signed_in):
    server = machine(is_signed_in=is_signed_in, append_limit=50)
    for piece in pieces:
        server.receive_data(piece)
        for event in drain(server):
            if isinstance(event, BadCommand):
                assert isinstance(event.error, ImapSyntaxError)
        assert server.held_bytes <= SMALL.command + 2 * SMALL.line


def test_a_client_may_name_ten_thousand_messages_one_by_one():
    server = ImapServer()
    server.is_signed_in = True
    server.receive_data(b"a UID FETCH " + b",".join(b"%d" % uid for uid in range(1, 20_000, 2)) + b" FLAGS\r\n")
    (event,) = drain(server)
    assert isinstance(event, CommandReceived)
