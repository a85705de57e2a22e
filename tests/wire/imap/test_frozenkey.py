"""A frozen key means the same messages when others have come and gone."""

from __future__ import annotations

import pytest

from app.wire.imap.frozenkey import View, depends_on_flags, depends_on_time, freeze
from app.wire.imap.sequence import STAR
from app.wire.imap.table import parse_command
from app.wire.imap.tokens import MAX_NUMBER

VIEW = View([2, 5, 9, 12], [5, 9])


def key(raw: bytes):
    return parse_command(b"a SEARCH " + raw).key


@pytest.mark.parametrize(
    ("raw", "uids"),
    [
        (b"2:3", ((5, 9),)),
        (b"1,4:*", ((2, 2), (12, 12))),
        (b"7", ()),
        (b"$", ((5, 9),)),
        (b"UID 3:8", ((3, 8),)),
        (b"UID 9:*", ((9, MAX_NUMBER),)),
        (b"UID 99:*", ((12, MAX_NUMBER),)),
        (b"UID *", ((12, 12),)),
    ],
)
def test_messages_become_uids(raw: bytes, uids):
    frozen = freeze(key(raw), VIEW)
    assert frozen.uid
    assert frozen.sequence.ranges == uids


def test_sets_within_other_keys_are_frozen_too():
    frozen = freeze(key(b"NOT (OR 1 (SEEN UID *))"), VIEW)
    assert frozen.key.left.sequence.ranges == ((2, 2),)
    assert STAR not in frozen.key.right.keys[1].sequence.ranges[0]
    assert freeze(key(b"1"), View([])).sequence.ranges == ()


def test_what_a_key_depends_on():
    assert depends_on_flags(key(b"NOT OR (SUBJECT x KEYWORD y) ALL"))
    assert depends_on_flags(key(b"MODSEQ 3"))
    assert not depends_on_flags(key(b"FROM x SINCE 1-Jan-2026"))
    assert depends_on_time(key(b"OR SEEN NOT OLDER 5"))
    assert not depends_on_time(key(b"BEFORE 1-Jan-2026"))
