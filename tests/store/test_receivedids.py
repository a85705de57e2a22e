"""Connection numbers for strangers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refusal, StoreError
from app.store.receivedids import KEY_FILE, ReceivedIds

KEY = bytes(range(24))


@given(st.integers(min_value=0, max_value=2**63))
def test_number_comes_back(cid: int) -> None:
    ids = ReceivedIds(KEY)
    text = ids.seal(cid)
    assert len(text) == 22
    assert ids.unseal(text) == cid
    assert f"{cid:x}" not in text or cid < 16**6  # short ones may stand there by accident


@pytest.mark.parametrize("text", ["", "a", "a" * 21, "a" * 23, "!" * 22, "é" * 22, "a" * 5000, "A" * 22, "=" * 22])
def test_what_is_no_id_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        ReceivedIds(KEY).unseal(text)


def test_id_of_another_server_is_refused() -> None:
    with pytest.raises(Refusal, match="not made with the key"):
        ReceivedIds(KEY).unseal(ReceivedIds(KEY[::-1]).seal(5))


def test_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    text = ReceivedIds.open(tmp_path).seal(77)
    assert ReceivedIds.open(tmp_path).unseal(text) == 77
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_damaged_key_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(StoreError, match="remove it for a new one"):
        ReceivedIds.open(tmp_path)


def test_reading_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"):
        ReceivedIds.read(tmp_path)
    assert list(tmp_path.iterdir()) == []
