"""Strict lines and counted chunks out of a bounded buffer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.linebuffer import BareLineEnding, LineBuffer, LineTooLong, NulByte


def filled(data: bytes) -> LineBuffer:
    buffer = LineBuffer()
    buffer.feed(data)
    return buffer


@given(st.lists(st.binary(max_size=30).filter(lambda line: not set(line) & set(b"\r\n\0"))), st.integers(1, 7))
def test_lines_come_out_as_they_went_in_whatever_the_pieces(lines, step):
    wire = b"".join(line + b"\r\n" for line in lines)
    buffer = LineBuffer()
    got = []
    for start in range(0, len(wire), step):
        buffer.feed(wire[start : start + step])
        while (line := buffer.line(100)) is not None:
            got.append(line)
    assert got == lines
    assert len(buffer) == 0


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (b"\n", BareLineEnding),
        (b"NOOP\n", BareLineEnding),
        (b"NO\rOP\r\n", BareLineEnding),
        (b"NOOP\r\r\n", BareLineEnding),
        (b"NO\0OP\r\n", NulByte),
        (b"x" * 20, LineTooLong),
        (b"x" * 19 + b"\r\n", LineTooLong),
    ],
)
def test_bad_lines_are_refused(wire, error):
    with pytest.raises(error):
        filled(wire).line(20)


def test_line_of_exactly_the_limit_is_taken():
    assert filled(b"x" * 18 + b"\r\n").line(20) == b"x" * 18


def test_take_counts_and_keeps_the_rest():
    buffer = filled(b"a\r\nbcdef\r\n")
    assert buffer.line(10) == b"a"
    assert buffer.take(3) == b"bcd"
    buffer.put_back(b"xy")
    assert buffer.line(10) == b"xyef"
    assert buffer.take() == b""
