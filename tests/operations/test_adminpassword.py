"""The administrator's password file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.operations.adminpassword import OldHash, check, is_bcrypt, make_password, set_admin_password
from app.store.account.credentials import BadPassword

BCRYPT = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


def test_the_password_that_was_set_is_right_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "adminpasswd"
    path.write_text(BCRYPT)
    path.chmod(0o640)
    set_admin_password(path, "correct horse")
    stored = path.read_text()
    assert stored.startswith("$argon2id$")
    assert check(stored, "correct horse")
    assert not check(stored, "correct horse ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["adminpasswd"]


def test_another_spelling_of_the_same_characters_is_the_same_password(tmp_path: Path) -> None:
    path = tmp_path / "adminpasswd"
    set_admin_password(path, "Stra\u00dfe a\u0308\u00a01")
    assert check(path.read_text(), "Stra\u00dfe \u00e4 1")


def test_a_password_that_is_too_short_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "adminpasswd"
    set_admin_password(path, "correct horse")
    with pytest.raises(BadPassword):
        set_admin_password(path, "short")
    assert check(path.read_text(), "correct horse")
    assert [file.name for file in tmp_path.iterdir()] == ["adminpasswd"]


def test_a_new_file_is_private(tmp_path: Path) -> None:
    set_admin_password(tmp_path / "new", "correct horse")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_hash_of_go_mox_is_told_apart() -> None:
    assert is_bcrypt(BCRYPT + "\n")
    with pytest.raises(OldHash, match="setadminpassword"):
        check(BCRYPT, "password")
    assert not check("rubbish", "password")


def test_made_passwords_are_12_characters_and_never_the_same() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) == 12 and password.isalnum() for password in made)
