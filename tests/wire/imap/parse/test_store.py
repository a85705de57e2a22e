import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.flags import DELETED, SEEN, FlagSet
from app.wire.imap.parse.store import StoreMode
from app.wire.imap.table import parse_command


def test_modes_and_silence():
    command = parse_command(b"a UID STORE 2:4 (unchangedsince 12) +flags.silent (\\Deleted x)")
    assert (command.mode, command.is_silent, command.unchangedsince) == (StoreMode.ADD, True, 12)
    assert command.flags == FlagSet(DELETED, ("x",))
    assert parse_command(b"a STORE 1 -FLAGS \\Seen y").flags == FlagSet(SEEN, ("y",))
    assert parse_command(b"a STORE 1 FLAGS ()").mode is StoreMode.SET


@pytest.mark.parametrize(
    "raw",
    [b"1 FLAGS", b"1 FLAGS ", b"1 *FLAGS ()", b"1 FLAGS.LOUD ()", b"1 (UNCHANGEDSINCE x) FLAGS ()", b"x FLAGS ()"],
)
def test_bad_forms(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a STORE " + raw)
