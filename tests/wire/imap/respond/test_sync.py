from hypothesis import given
from hypothesis import strategies as st

from app.wire.imap.respond.sync import expunges, split_set, vanished
from app.wire.imap.sequence import compact, parse_set, spans
from app.wire.imap.tokens import ImapCursor


def test_lines_for_removed_messages():
    assert expunges([3, 3]) == b"* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n"
    assert vanished([range(4, 6), range(9, 10)]) == b"* VANISHED 4:5,9\r\n"
    assert vanished([range(4, 5)], is_earlier=True) == b"* VANISHED (EARLIER) 4\r\n"
    assert vanished([]) == b""


def test_long_sets_are_split_below_4_kib_and_nothing_is_lost():
    uids = list(range(1, 20_000, 2))
    lines = vanished(spans(uids), is_earlier=True).split(b"\r\n")[:-1]
    assert len(lines) > 1
    assert max(map(len, lines)) < 4096
    sets = [parse_set(ImapCursor(line.split()[-1])) for line in lines]
    assert [uid for piece in sets for uid in piece.select_uids(uids)] == uids


@given(st.sets(st.integers(1, 500)), st.integers(10, 40))
def test_pieces_joined_are_the_set(numbers, limit):
    text = compact(sorted(numbers))
    pieces = split_set(text, limit)
    assert ",".join(pieces) == text
    assert all(0 < len(piece) <= limit for piece in pieces)
