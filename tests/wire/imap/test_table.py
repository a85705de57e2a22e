import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.command import State
from app.wire.imap.parse.session import NoopCommand
from app.wire.imap.table import COMMANDS, parse_command

EXAMPLES = (
    """
a CAPABILITY|a NOOP|a LOGOUT|a ID NIL|a STARTTLS|a AUTHENTICATE PLAIN =|a LOGIN u p|a ENABLE CONDSTORE
a COMPRESS DEFLATE|a NAMESPACE|a IDLE|a SELECT x|a EXAMINE x|a CREATE x|a DELETE x|a RENAME x y|a SUBSCRIBE x
a GENURLAUTH imap://u@h/x/;UID=1;URLAUTH=authuser INTERNAL|a URLFETCH x|a RESETKEY x
a UNAUTHENTICATE|a UNSUBSCRIBE x|a STATUS x (UIDNEXT)|a LIST "" *|a LSUB "" *|a GETMETADATA "" /private/comment
a SETMETADATA x (/private/comment NIL)|a GETQUOTA ""|a GETQUOTAROOT x|a CHECK|a CLOSE|a UNSELECT|a EXPUNGE
a SEARCH ALL|a FETCH 1 FLAGS|a STORE 1 FLAGS ()|a COPY 1 x|a MOVE 1 x|a UIDBATCHES 500|a UID EXPUNGE 1|a UID SEARCH ALL
a SORT (DATE) UTF-8 ALL|a THREAD REFERENCES UTF-8 ALL|a UID SORT (DATE) UTF-8 ALL|a UID THREAD REFERENCES UTF-8 ALL
a CANCELUPDATE "a1"|a NOTIFY NONE|a ESEARCH IN (PERSONAL) ALL
a UID FETCH 1 FLAGS|a UID STORE 1 FLAGS ()|a UID COPY 1 x|a UID MOVE 1 x
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_command_reads_in_any_case_and_nothing_may_follow_it(line):
    command = parse_command(line.encode())
    name = line.removeprefix("a ").removeprefix("UID ").split(" ")[0]
    assert parse_command(line.replace(name, name.lower(), 1).encode()) == command
    for extra in (" ", " x (", ")", "\0"):
        with pytest.raises(ImapSyntaxError):
            parse_command((line + extra).encode())


def test_every_row_has_an_example():
    names = {" ".join(line.split()[1:3]) if " UID " in line else line.split()[1] for line in EXAMPLES}
    streamed = {rule.name for rule in COMMANDS.values() if rule.is_streamed}
    assert names | streamed == set(COMMANDS)


@pytest.mark.parametrize(
    "raw", [b"", b"a", b"a ", b"+ NOOP", b"a+ NOOP", b"a  NOOP", b"a XNOOP", b"a UID NOOP", b" a NOOP"]
)
def test_what_is_no_command(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(raw)


def test_tags_are_given_back_as_they_came():
    assert parse_command(b"A.1] noop") == NoopCommand("A.1]")


def test_sequence_numbers_keep_removals_back_but_uids_do_not():
    for name in ("FETCH", "STORE", "SEARCH"):  # RFC 9051 §7.5.1
        assert not COMMANDS[name].may_expunge
        assert COMMANDS[f"UID {name}"].may_expunge
    assert State.NOT_AUTHENTICATED not in COMMANDS["SELECT"].states


@given(st.sampled_from(EXAMPLES), st.integers(0, 80), st.binary(max_size=12))
def test_a_damaged_command_is_a_command_or_a_syntax_error(line, place, noise):
    raw = line.encode()
    with contextlib.suppress(ImapSyntaxError):
        parse_command(raw[:place] + noise + raw[place:])
