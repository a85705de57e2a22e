"""Separators, quoting and flags of mbox files, as programs write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, JUNK, SEEN, FlagSet, keyword_names
from app.wire.mbox import Front, Separator, parse_separator, quote, read_status, unquote, write_separator, write_status

LINES = st.lists(st.sampled_from([b"From me", b">From me", b">>>From ", b"Fromage", b" From ", b"", b">", b"x"]))


@given(LINES, st.sampled_from([b"\n", b"\r\n"]))
def test_quoting_is_undone_and_leaves_no_separator(lines: list[bytes], end: bytes) -> None:
    data = b"".join(line + end for line in lines)
    quoted = quote(data)
    assert unquote(quoted) == data
    assert not any(line.startswith(b"From ") for line in quoted.splitlines())


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (b"From me@a.example Tue Nov 14 22:13:20 2023", 1_700_000_000),
        (b"From - Tue Nov 14 22:13:20 2023\r", 1_700_000_000),
        (b"From 178@xxx Tue Nov 14 23:13:20 +0100 2023", 1_700_000_000),
        (b"From a Tue Nov 14 23:13:20 2023 +0100", 1_700_000_000),
        (b"From a b Tue, 14 Nov 2023 22:13:20", 1_700_000_000),
        (b"From a Tue Nov 14 22:13 GMT 2023", 1_699_999_980),
        (b"From a", None),
        (b"From a Tue Nov 41 22:13:20 2023", None),
        (b"From a Tue Nov 14 22:13:20 0000", None),
    ],
)
def test_dates_of_separators(line: bytes, time: int | None) -> None:
    assert parse_separator(line) == Separator(time)


@pytest.mark.parametrize("line", [b"From: a", b"from a", b">From a", b"From " + b"x" * 2000])
def test_what_is_no_separator(line: bytes) -> None:
    assert parse_separator(line) is None


@given(st.integers(-(1 << 62), 1 << 62), st.text(max_size=20))
def test_separator_can_always_be_written_and_read(time: int, sender: str) -> None:
    line = write_separator(sender, time)
    assert b"\n" not in line
    found = parse_separator(line)
    assert found is not None
    assert found.time == (time if -62135596800 <= time <= 253402300799 else 0)


@given(
    st.sampled_from([0, SEEN, FLAGGED | ANSWERED, SEEN | DRAFT | DELETED, JUNK | SEEN]),
    st.sampled_from(["", "a", "a b c"]),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"Status: R", b"X-Status: F", b"Subject: x"]),
)
def test_flags_in_front_are_read_and_nothing_of_the_message_is(bits: int, words: str, end: bytes, own: bytes) -> None:
    front = write_status(FlagSet(bits), keyword_names(bits, words), own, end)
    assert read_status(front + own + end + end) == Front(FlagSet(bits, tuple(words.split())), len(front))


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (
            b"Subject: x\nStatus: RO\nX-Status: A\nX-Keywords: $Label1 work\n\n",
            FlagSet(SEEN | ANSWERED, ("$label1", "work")),
        ),
        (b"A: b\nX-Keywords: NonJunk,one\n\nStatus: R\n", FlagSet(128, ("one",))),
        (b"A: b\r\nX-Mozilla-Status: 0005\r\nX-Mozilla-Keys: todo  \r\n\r\n", FlagSet(SEEN | FLAGGED, ("todo",))),
        (b"A: b\nX-Mozilla-Status: zzz\n\n", FlagSet()),
        (b"A: b\nX-Gmail-Labels: Inbox,Opened,Starred\n\n", FlagSet(SEEN | FLAGGED)),
        (b"A: b\nX-Gmail-Labels: Inbox,Unread\n\n", FlagSet()),
        (b"", FlagSet()),
    ],
)
def test_flags_of_other_programs_are_read_and_stay(header: bytes, flags: FlagSet) -> None:
    assert read_status(header) == Front(flags, 0)
