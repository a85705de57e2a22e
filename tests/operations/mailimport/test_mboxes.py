"""Messages of mbox files, as programs write them and as nobody should."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.archives.member import MemberBroken
from app.operations.mailimport import mboxes
from app.operations.mailimport.mboxes import MboxReader
from app.wire.imap.flags import SEEN

FROM = b"From a@b Tue Nov 14 22:13:20 2023\n"


def read(data: bytes, tmp_dir: Path = Path("/nonexistent")) -> list[bytes]:
    return [bytes(message.sink.finish().data) for message in MboxReader(io.BytesIO(data).read, tmp_dir).messages()]


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"", []),
        (b"\n\n", []),
        (FROM + b"A: b\n\ntext\n\n" + FROM + b"A: c\n\n\n", [b"A: b\r\n\r\ntext\r\n", b"A: c\r\n\r\n"]),
        (FROM + b"A: b\n\nno end", [b"A: b\r\n\r\nno end"]),
        (b"\xef\xbb\xbf\n" + FROM + b"A: b\n\n", [b"A: b\r\n"]),
        ((FROM + b"A: b\n\ntext\n\n").replace(b"\n", b"\r\n") * 2, [b"A: b\r\n\r\ntext\r\n"] * 2),
        (FROM + b"A: b\r\n\nbare\n\r\n\n" + FROM + b"x\n", [b"A: b\r\n\nbare\n\r\n", b"x\r\n"]),  # stays as it is
        (FROM + b"A: b\n\nmixed\r\nends\n\n", [b"A: b\r\n\r\nmixed\r\nends\r\n"]),
        (
            FROM + b"A: b\n\n>From me\n>>From\nFrom you\n\nFrom here on\n",
            [b"A: b\r\n\r\nFrom me\r\n>>From\r\nFrom you\r\n\r\nFrom here on\r\n"],
        ),
        (b"From a\nA: b\n\nFrom b\nA: c\n", [b"A: b\r\n", b"A: c\r\n"]),  # none has a date
        (FROM + FROM + b"\n" + FROM + b"\n\n", [b"", b"", b"\r\n"]),
        (FROM + b"A: b\n\nnul \0 \xff\n", [b"A: b\r\n\r\nnul \0 \xff\r\n"]),
        (FROM + b"Status: RO\nX-Status: A\nStatus: own\n\n", [b"Status: own\r\n"]),
    ],
)
def test_messages_are_found(data: bytes, messages: list[bytes]) -> None:
    assert read(data) == messages


def test_dates_and_flags_come_with_them() -> None:
    reader = MboxReader(io.BytesIO(FROM + b"Status: R\nA: b\n\n").read, Path("/nonexistent"))
    [message] = reader.messages()
    message.sink.finish()
    assert (message.received, message.sink.flags.bits) == (1_700_000_000, SEEN)


def test_what_does_not_begin_like_one_is_refused() -> None:
    with pytest.raises(MemberBroken, match="no mbox"):
        read(b"Subject: no\n\nFrom x\n")


LINES = st.lists(st.sampled_from([b"", b"x" * 40, b"From ", b"From a@b Tue Nov 14 22:13:20 2023", b">From x", b"\r"]))


@given(st.lists(LINES, min_size=1, max_size=4), st.integers(1, 60))
def test_pieces_make_no_difference(texts: list[list[bytes]], size: int) -> None:
    data = b"".join(FROM + b"A: b\n\n" + b"".join(line + b"\n" for line in text) + b"\n" for text in texts)
    whole = read(data)
    kept = mboxes._KEPT
    mboxes._KEPT = 40  # type: ignore[misc]
    try:
        source = io.BytesIO(data)
        pieces = [
            bytes(one.sink.finish().data)
            for one in MboxReader(lambda _: source.read(size), Path("/nonexistent")).messages()
        ]
    finally:
        mboxes._KEPT = kept  # type: ignore[misc]
    assert pieces == whole
