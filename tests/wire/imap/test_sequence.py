from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ImapSyntaxError
from app.wire.imap.sequence import (
    SAVED,
    STAR,
    SequenceSet,
    compact,
    count_in,
    gaps,
    intersect,
    parse_set,
    parse_uid_set,
)
from app.wire.imap.tokens import ImapCursor


def sequence(text):
    cursor = ImapCursor(text.encode())
    value = parse_set(cursor)
    cursor.expect_end()
    return value


@pytest.mark.parametrize("text", ["1", "*", "1:*", "*:4", "5:3", "1,3:4,9", "4294967295", "$"])
def test_sets_read_and_write(text):
    assert str(sequence(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "1,", ",1", "1:", ":2", "1::2", "4294967296", "99999999999", "-1", "1 2", "$,1", "a"]
)
def test_bad_sets_are_refused(text):
    with pytest.raises(ImapSyntaxError):
        sequence(text)


@pytest.mark.parametrize("text", ["$", "*", "1:*"])
def test_known_uids_are_numbers_only(text):
    with pytest.raises(ImapSyntaxError):
        parse_uid_set(ImapCursor(text.encode()))


RANGES = st.lists(
    st.tuples(st.one_of(st.integers(1, 60), st.just(STAR)), st.one_of(st.integers(1, 60), st.just(STAR))), min_size=1
)


def members(ranges, largest):
    """The numbers of a set, spelled out."""
    pairs = [tuple(largest if end == STAR else end for end in pair) for pair in ranges]
    return {number for low, high in pairs for number in range(min(low, high), max(low, high) + 1)}


@given(RANGES, st.sets(st.integers(1, 60)))
def test_uids_of_a_set_are_those_a_plain_reading_gives(ranges, uids):
    uids = array("I", sorted(uids))
    expected = [uid for uid in uids if uid in members(ranges, uids[-1])]
    spans = SequenceSet(tuple(ranges)).uid_spans(uids)
    assert [uids[place] for span in spans for place in span] == expected
    assert SequenceSet(tuple(ranges)).select_uids(uids) == expected
    assert all(left.stop < right.start for left, right in pairwise(spans))


@given(RANGES, st.integers(0, 60))
def test_sequence_numbers_beyond_the_last_message_are_left_out_or_refused(ranges, count):
    numbers = SequenceSet(tuple(ranges))
    wanted = members(ranges, count) if count else set()
    spans = numbers.seq_spans(count, strict=False)
    assert [place + 1 for span in spans for place in span] == [n for n in range(1, count + 1) if n in wanted]
    if count and max(wanted) <= count:
        assert numbers.seq_spans(count) == spans
    elif count:
        with pytest.raises(ImapSyntaxError):
            numbers.seq_spans(count)


def test_everything_in_an_empty_mailbox_is_nothing_and_not_an_error():
    assert sequence("1:*").seq_spans(0) == []
    with pytest.raises(ImapSyntaxError):
        sequence("1").seq_spans(0)


def test_a_huge_range_costs_nothing():
    assert count_in(sequence("1:4294967295").uid_spans(array("I", range(1, 1001)))) == 1000
    assert sequence("4294967295:*").uid_spans(array("I", [7])) == [range(0, 1)]


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)))
def test_intersection_is_that_of_the_members(left, right):
    def spans(numbers):
        return SequenceSet(tuple((n + 1, n + 1) for n in numbers)).uid_spans(range(1, 60))

    both = intersect(spans(left), spans(right))
    assert {place for span in both for place in span} == left & right


@given(st.sets(st.integers(1, 80)))
def test_compact_form_reads_back(numbers):
    if numbers:
        assert sequence(compact(sorted(numbers))).select_uids(range(1, 81)) == sorted(numbers)
    assert compact([1, 2, 3, 5]) == "1:3,5"
    assert compact([]) == ""


def test_star_is_in_a_set_as_the_largest():
    assert sequence("9:*").contains(5, largest=5)
    assert not sequence("9:*").contains(4, largest=5)
    assert SAVED.is_saved


@given(st.sets(st.integers(1, 60)), st.integers(0, 60))
def test_gaps_are_what_is_missing_up_to_the_last(numbers, last):
    missing = [number for span in gaps(sorted(numbers), last) for number in span]
    expected = [number for number in range(1, max(numbers, default=0) + 1) if number not in numbers]
    assert missing == sorted({*expected, *(n for n in range(1, last + 1) if n not in numbers)})


def test_the_numbers_of_a_set_are_ranges_with_the_largest_for_the_star():
    numbers = parse_set(ImapCursor(b"7:*,1,4:2,3:5")).numbers(9)
    assert numbers == [range(1, 6), range(7, 10)]
