from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given

from app.wire.message.packed import pack, unpack
from app.wire.message.part import Part, parse_message
from tests.wire.message.strategies import messages


def walk(part: Part) -> Iterator[Part]:
    yield part
    for child in (*part.children, *([part.message] if part.message else [])):
        yield from walk(child)


@given(messages)
def test_positions_of_any_bytes_nest_and_survive_packing(data):
    root = parse_message(data)
    assert root.header_start == 0
    assert root.body_end == len(data)
    for part in walk(root):
        assert part.header_start <= part.body_start <= part.body_end <= len(data)
        assert part.lines == data.count(b"\n", part.body_start, part.body_end)
        at = part.body_start
        for child in (*part.children, *([part.message] if part.message else [])):
            assert at <= child.header_start
            assert child.body_end <= part.body_end
            at = child.body_end
    assert unpack(pack(root)) == root
