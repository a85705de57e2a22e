"""File names of Maildirs and their keywords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, FORWARDED, JUNK, SEEN, FlagSet
from app.wire.maildir import (
    Named,
    letters_of,
    parse_keywords,
    parse_name,
    read_letters,
    write_keywords,
    write_letters,
    write_name,
)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("1700000000.M1P2.host,S=12,W=13:2,FS", Named(1_700_000_000, "FS")),
        ("1700000000.M1P2.host:2,", Named(1_700_000_000, "")),
        ("1700000000.M1P2.host", Named(1_700_000_000, "")),
        ("1700000000.M1P2.host;2,RS", Named(1_700_000_000, "RS")),  # from a Windows disk
        ("1700000000.x:2,SX9", Named(1_700_000_000, "SX")),
        ("1700000000.x:1,S", Named(1_700_000_000, "")),
        ("99999999999999.x", Named(None, "")),
        ("message.eml", Named(None, "")),
        ("\udcff:2,S", Named(None, "S")),
        ("", Named(None, "")),
    ],
)
def test_names(name: str, meaning: Named) -> None:
    assert parse_name(name) == meaning


@given(
    st.integers(0, 253402300799),
    st.integers(0, 31).map(lambda bits: bits | FORWARDED),
    st.sets(st.sampled_from([f"word{number}" for number in range(26)])),
)
def test_flags_and_keywords_are_read_as_they_were_written(time: int, bits: int, words: set[str]) -> None:
    listed = sorted(words)
    name = write_name("U1", time, write_letters(bits, listed, letters_of(listed)))
    named = parse_name(name)
    assert named.time == time
    assert read_letters(named.letters, parse_keywords(write_keywords(listed))) == FlagSet(bits, tuple(listed))


def test_letters_of_flags_and_of_keywords_with_a_bit() -> None:
    keywords = parse_keywords(b"0 $Junk\n1 Work\r\n26 far\nx y\n2\n\xff\n3 nonjunk")
    assert keywords == {"a": "$Junk", "b": "Work", "d": "nonjunk"}
    assert read_letters("DFPRSTabz", keywords) == FlagSet(
        DRAFT | FLAGGED | FORWARDED | ANSWERED | SEEN | DELETED | JUNK, ("work",)
    )
