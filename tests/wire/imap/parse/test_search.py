from datetime import date

import pytest

from app.errors import ImapSyntaxError
from app.wire.imap.flags import JUNK, SEEN
from app.wire.imap.parse import searchkey as keys
from app.wire.imap.parse.search import BadCharset, SearchReturn
from app.wire.imap.table import parse_command


def key(raw):
    return parse_command(b"a SEARCH " + raw).key


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"all", keys.All()),
        (b"UNSEEN", keys.Not(keys.HasFlag(SEEN))),
        (b"NEW", keys.Not(keys.All())),
        (b"KEYWORD $Junk", keys.HasFlag(JUNK)),
        (b"UNKEYWORD Work", keys.Not(keys.HasFlag(0, "work"))),
        (b"NOT SEEN", keys.Not(keys.HasFlag(SEEN))),
        (b"OR SEEN ALL", keys.Or(keys.HasFlag(SEEN), keys.All())),
        (b"(SEEN (ALL))", keys.And((keys.HasFlag(SEEN), keys.All()))),
        (b"SENTSINCE 1-Feb-1994", keys.Dated(keys.DateOf.SENT, keys.Relation.SINCE, date(1994, 2, 1))),
        (b"SAVEDON 1-Feb-1994", keys.Dated(keys.DateOf.SAVED, keys.Relation.ON, date(1994, 2, 1))),
        (b"BEFORE 1-Feb-1994", keys.Dated(keys.DateOf.INTERNALDATE, keys.Relation.BEFORE, date(1994, 2, 1))),
        (b"YOUNGER 60", keys.Age(60, is_older=False)),
        (b"LARGER 5", keys.Size(5, is_larger=True)),
        (b"FROM {2+}\r\n\xc3\xa9", keys.Contains(keys.TextIn.FROM, "é")),
        (b'HEADER X-Y ""', keys.Header("X-Y", "")),
        (b"EMAILID m1", keys.ObjectId("m1", is_thread=False)),
    ],
)
def test_keys(raw, wanted):
    assert key(raw) == wanted


def test_sets_of_sequence_numbers_uids_and_the_saved_result():
    assert str(key(b"1:4,*").sequence) == "1:4,*"
    assert key(b"UID 7").uid
    assert key(b"$").sequence.is_saved


def test_modseq_with_and_without_an_entry_is_noticed_wherever_it_stands():
    for raw in (b"MODSEQ 620162338", b'NOT (OR ALL MODSEQ "/flags/\\\\draft" all 620162338)'):
        command = parse_command(b"a SEARCH " + raw)
        assert command.has_modseq
    assert not parse_command(b"a SEARCH ALL").has_modseq


def test_return_options():
    assert parse_command(b"a SEARCH ALL").returns is None
    assert parse_command(b"a SEARCH RETURN () ALL").returns.options == {SearchReturn.ALL}
    command = parse_command(b"a UID SEARCH RETURN (MIN count SAVE) CHARSET UTF-8 ALL")
    assert command.returns.options == {SearchReturn.MIN, SearchReturn.COUNT, SearchReturn.SAVE}


def test_charsets_other_than_utf8_and_ascii_are_told_apart_from_mistakes():
    with pytest.raises(BadCharset):
        parse_command(b"a SEARCH CHARSET KOI8-R FROM x")
    for raw in (b'CHARSET US-ASCII FROM "\xc3\xa9"', b'CHARSET UTF-8 FROM "\xe9"', b'FROM "\xe9"'):
        with pytest.raises(ImapSyntaxError) as caught:
            parse_command(b"a SEARCH " + raw)
        assert not isinstance(caught.value, BadCharset)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"()",
            b"NOT",
            b"OR ALL",
            b"FOO",
            b"FROM",
            b"SINCE x",
            b"LARGER -1",
            b"(ALL",
            b"ALL)",
            b"KEYWORD \\Seen",
        ),
        *(b"RETURN (FOO) ALL", b"CHARSET UTF-8", b"OLDER 0", b"HEADER x", b"MODSEQ x"),
    ],
)
def test_bad_searches(raw):
    with pytest.raises(ImapSyntaxError):
        key(raw)


@pytest.mark.parametrize("opening", [b"(", b"NOT ", b"OR ALL ", b"OR ALL ("])
def test_nesting_is_bounded(opening):
    with pytest.raises(ImapSyntaxError, match="nested"):
        key(opening * 5000 + b"ALL")


@pytest.mark.parametrize(
    ("raw", "chosen"),
    [
        *((b"1:3", [1, 2, 3]), (b"3:2", [2, 3]), (b"9:12", [9, 10]), (b"11:12", [])),
        *((b"-1:-3", [8, 9, 10]), (b"-3:-2", [8, 9]), (b"-9:-12", [1, 2]), (b"-11:-12", [])),
    ],
)
def test_a_page_counts_from_either_end(raw, chosen):
    page = parse_command(b"a SEARCH RETURN (PARTIAL " + raw + b") ALL").returns.partial
    assert list(range(1, 11))[page.places(10)] == chosen


@pytest.mark.parametrize(
    "raw", [b"1:*", b"0:1", b"1", b"-1:2", b"1:-2", b"1:4294967296", b"1:2 ALL", b"1:2 PARTIAL 3:4", b""]
)
def test_pages_that_are_none(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a SEARCH RETURN (PARTIAL " + raw + b") ALL")


def test_update_may_name_what_to_fetch_of_new_messages():
    for raw in (b"COUNT UPDATE (UID FLAGS)", b"UPDATE(UID FLAGS) COUNT CONTEXT"):
        returns = parse_command(b"a SEARCH RETURN (" + raw + b") ALL").returns
        assert returns.updates
        assert [item.label for item in returns.update_items] == [b"UID", b"FLAGS"]
    assert parse_command(b"a SEARCH RETURN (UPDATE) ALL").returns.update_items == ()


@pytest.mark.parametrize(
    "raw", [b"SEARCH RETURN (UPDATE ()) ALL", b"SEARCH RETURN (UPDATE (x)) ALL", b"CANCELUPDATE", b"CANCELUPDATE x"]
)
def test_bad_updates_are_refused(raw):
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a " + raw)
