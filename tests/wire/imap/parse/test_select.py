import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.select import Resync, SelectCommand
from app.wire.imap.table import parse_command


def test_parameters_of_select():
    assert parse_command(b"a EXAMINE INBOX (CONDSTORE)") == SelectCommand("a", "INBOX", True, True)
    assert parse_command(b"a SELECT x (QRESYNC (67890007 90060115194045000))").qresync == Resync(
        67890007, 90060115194045000
    )
    resync = parse_command(b"a SELECT x (CONDSTORE QRESYNC (7 9 41,43:211 (1,3 41,45)))").qresync
    assert str(resync.known_uids) == "41,43:211"
    assert (str(resync.match.seqs), str(resync.match.uids)) == ("1,3", "41,45")
    assert parse_command(b"a SELECT x (QRESYNC (7 9 (1 41)))").qresync.known_uids is None


@pytest.mark.parametrize(
    "raw", [b"()", b"(FOO)", b"CONDSTORE", b"(QRESYNC (0 1))", b"(QRESYNC (1 1 1:*))", b"(QRESYNC (1 1 (1)))"]
)
def test_bad_parameters(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a SELECT x " + raw)
