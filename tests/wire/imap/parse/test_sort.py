import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.parse.search import BadCharset, SearchReturn
from app.wire.imap.parse.sort import Criterion, SortKey, ThreadAlgorithm
from app.wire.imap.table import parse_command


def test_criteria_keep_their_order_and_direction():
    command = parse_command(b"a UID SORT (reverse date Subject REVERSE DISPLAYTO) utf-8 MODSEQ 3")
    assert command.criteria == (
        Criterion(SortKey.DATE, is_reverse=True),
        Criterion(SortKey.SUBJECT),
        Criterion(SortKey.DISPLAYTO, is_reverse=True),
    )
    assert command.uid
    assert command.has_modseq
    assert command.returns is None


def test_extended_sort_reads_what_to_return():
    command = parse_command(b"a SORT RETURN (PARTIAL -1:-50 SAVE) (SIZE) US-ASCII ALL")
    assert command.returns.options == {SearchReturn.PARTIAL, SearchReturn.SAVE}
    assert command.returns.partial.places(60) == slice(10, 60)


def test_thread_reads_its_algorithm():
    assert parse_command(b"a THREAD references UTF-8 ALL").algorithm is ThreadAlgorithm.REFERENCES


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"SORT () UTF-8 ALL",
            b"SORT (REVERSE) UTF-8 ALL",
            b"SORT (REVERSE REVERSE DATE) UTF-8 ALL",
            b"SORT (DATE) ALL",
        ),
        *(b"SORT (" + b"DATE " * 16 + b"DATE) UTF-8 ALL", b"THREAD X UTF-8 ALL", b"THREAD REFERENCES ALL"),
    ],
)
def test_faults(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a " + raw)


def test_an_unknown_charset_remembers_that_the_result_was_to_be_saved():
    with pytest.raises(BadCharset) as caught:
        parse_command(b"a SORT RETURN (SAVE) (DATE) X-MINE ALL")
    assert caught.value.saves
