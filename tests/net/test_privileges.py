"""What root hands over, and what it never touches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.net.privileges import Ids, PrivilegeError, lookup_user, own

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change owners")
IDS = Ids(65533, 65532)


def owner(path: Path) -> Ids:
    found = path.lstat()
    return Ids(found.st_uid, found.st_gid)


def test_everything_below_changes_its_owner(tmp_path: Path) -> None:
    (tmp_path / "mox" / "dkim").mkdir(parents=True)
    (tmp_path / "mox" / "dkim" / "key.pem").touch(0o600)
    own([tmp_path / "mox"], IDS)
    found = [tmp_path / "mox", *(tmp_path / "mox").rglob("*")]
    assert len(found) == 3
    assert {owner(path) for path in found} == {IDS}
    assert owner(tmp_path) != IDS


def test_what_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "mox" / "tls").mkdir(parents=True, mode=0o755)
    key = tmp_path / "mox" / "tls" / "key.pem"
    key.touch()
    key.chmod(0o644)
    own([tmp_path / "mox"], IDS)
    own([tmp_path / "mox"], IDS)
    assert key.stat().st_mode & 0o777 == 0o640
    assert {path.stat().st_mode & 0o007 for path in (tmp_path / "mox").rglob("*")} == {0}


@pytest.mark.parametrize("way", ["file", "directory", "hard"])
def test_what_a_link_leads_to_keeps_its_owner(tmp_path: Path, way: str) -> None:
    outside, ours = tmp_path / "outside", tmp_path / "mox"
    for path in (outside, ours):
        path.mkdir()
    (outside / "shadow").write_text("root's")
    if way == "hard":
        (ours / "link").hardlink_to(outside / "shadow")
    else:
        (ours / "link").symlink_to(outside / "shadow" if way == "file" else outside)
    own([ours], IDS)
    assert owner(ours) == IDS
    assert IDS not in (owner(outside), owner(outside / "shadow"))


@pytest.mark.parametrize("name", ["/", "/etc", "/var", "/root", "/etc/../usr"])
def test_a_directory_that_is_not_ours_alone_is_refused(name: str) -> None:
    with pytest.raises(PrivilegeError, match="NoFixPermissions"):
        own([Path(name)], Ids(0, 0))


def test_a_link_to_a_shared_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to("/etc")
    with pytest.raises(PrivilegeError, match="/etc "):
        own([tmp_path / "config"], IDS)
    assert owner(Path("/etc")) == Ids(0, 0)


def test_a_user_that_is_missing_comes_with_the_command_that_makes_it() -> None:
    with pytest.raises(PrivilegeError, match="useradd --system"):
        lookup_user("no-such-user-here")
