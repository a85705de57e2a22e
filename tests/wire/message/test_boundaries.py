from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.message.boundaries import Boundaries, Stop
from app.wire.message.part import MAX_DEPTH, parse_message

NAMES = st.sampled_from([b"a", b"ab", b"abc", b"b", b""])
DATA = st.lists(
    st.sampled_from([b"\n--a", b"\n--ab", b"\n--abc--", b"\n--b", b"\n--", b"\nx", b"--a--", b"c"]), max_size=12
)


def slow_find(data: bytes, needles: list[bytes], start: int) -> Stop:
    """The rule itself: the first line that begins with a delimiter; the longest counts, then the innermost."""
    for at in range(start, len(data)):
        fitting = [(len(name), level) for level, name in enumerate(needles) if data.startswith(b"\n--" + name, at)]
        if fitting:
            length, level = max(fitting)
            return Stop(at, level, data[at + 3 + length : at + 5 + length] == b"--")
    return Stop(len(data), -1, False)


@given(DATA.map(b"".join), st.lists(st.one_of(NAMES, st.none()), max_size=8))
def test_next_delimiter_is_the_one_that_the_rule_gives(data, steps):
    boundaries = Boundaries(data)
    needles: list[bytes] = []
    start = 0
    for name in steps:
        if name is not None:
            boundaries.open(name)
            needles.append(name)
        stop = boundaries.find(start)
        assert stop == slow_find(data, needles, start)
        start = stop.newline + 1
        if stop.level >= 0 and stop.is_final:
            boundaries.close(stop.level)
            del needles[stop.level :]


class CountingBytes(bytes):
    """Bytes that count how many of them `find` has looked at."""

    looked_at = 0

    def find(self, needle, start=0, end=None):
        end = len(self) if end is None else end
        at = super().find(needle, start, end)
        self.looked_at += (end if at < 0 else at + len(needle)) - start
        return at


def _nested(boundaries: list[bytes]) -> bytes:
    return b"".join(b"Content-Type: multipart/x; boundary=%b\r\n\r\n--%b\r\n" % (name, name) for name in boundaries)


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (_nested([b"x%d" % at for at in range(MAX_DEPTH)]), b"\n--x"),
        (_nested([b"b" * at for at in range(1, MAX_DEPTH)]), b"\n--b"),
        (_nested([b"b" * at for at in range(MAX_DEPTH, 0, -1)]), b"\n--" + b"b" * 40 + b"--"),
        (_nested([b"a", b"x", b"ab"]), b"\n--ab\n--ax"),
        (_nested([b"b"]), b"\nContent-Type: multipart/x; boundary=b\r\n\r\n--b"),
        (_nested([b"b"]), b"\n--b--"),
    ],
)
def test_each_byte_is_looked_at_once_for_each_level(start, line):
    data = CountingBytes(start + line * 20_000)
    parse_message(data)
    assert data.looked_at <= (MAX_DEPTH + 2) * len(data)
