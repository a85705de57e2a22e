"""Framing of messages: dots, the end of data, and bytes that smuggle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.smtp.data import ChunkChecker, DataFault, DotReader


def stuff(message: bytes) -> bytes:
    """What a correct client sends for a message of whole lines."""
    return b"".join(b"." * line.startswith(b".") + line for line in message.splitlines(keepends=True)) + b".\r\n"


def read(wire: bytes, step: int) -> tuple[bytes, DotReader]:
    reader = DotReader()
    content = b""
    for start in range(0, len(wire), step):
        content += reader.feed(wire[start : start + step])
        if reader.rest is not None:
            reader.rest += wire[start + step :]
            break
    return content, reader


LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a.", b"text", b". ", b"\xff"])).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@given(LINES, st.integers(1, 9), st.binary(max_size=6))
def test_any_message_arrives_unchanged_whatever_the_pieces(message, step, rest):
    content, reader = read(stuff(message) + rest, step)
    assert content == message
    assert reader.rest == rest
    assert reader.fault is None


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        (b"a\n.\nMAIL FROM:<x@y>\r\n", DataFault.BARE_LF),
        (b"a\n.\r\nMAIL FROM:<x@y>\r\n", DataFault.BARE_LF),
        (b"a\r\n.\nMAIL FROM:<x@y>\r\n", DataFault.BARE_LF),
        (b"a\r.\rMAIL FROM:<x@y>\r\n", DataFault.BARE_CR),
        (b"a\r.\r\nMAIL FROM:<x@y>\r\n", DataFault.BARE_CR),
        (b"a\r\n.\rMAIL FROM:<x@y>\r\n", DataFault.BARE_CR),
        (b"a\r\r\n.\r\r\n", DataFault.BARE_CR),
        (b"\n", DataFault.BARE_LF),
        (b".\n", DataFault.BARE_LF),
        (b"a\0b\r\n", DataFault.NUL),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_only_crlf_dot_crlf_ends_a_message_and_imitations_spoil_it(wire, fault, step):
    _, reader = read(wire + b"\r\n.\r\nQUIT\r\n", step)
    assert reader.rest == b"QUIT\r\n"
    assert reader.fault is fault


def test_empty_message():
    assert read(b".\r\n", 1)[0] == b""
    assert read(b"\r\n.\r\n", 2)[0] == b"\r\n"


@given(st.lists(st.binary(max_size=4)))
def test_chunks_are_judged_as_one_text(chunks):
    whole = ChunkChecker(is_binary=False)
    whole.feed(b"".join(chunks))
    parts = ChunkChecker(is_binary=False)
    for chunk in chunks:
        parts.feed(chunk)
    assert (parts.finish() is None) == (whole.finish() is None)


def test_crlf_split_over_chunks_is_no_fault():
    checker = ChunkChecker(is_binary=False)
    checker.feed(b"a\r")
    checker.feed(b"\nb")
    assert checker.finish() is None


def test_chunk_ending_in_cr_is_a_fault_at_the_end_only():
    checker = ChunkChecker(is_binary=False)
    assert checker.feed(b"a\r") is None
    assert checker.finish() is DataFault.BARE_CR


def test_binary_body_may_hold_anything():
    checker = ChunkChecker(is_binary=True)
    checker.feed(b"\0\n\r")
    assert checker.finish() is None
