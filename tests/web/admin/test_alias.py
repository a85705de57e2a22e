"""The administrator's pages about aliases."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.dynamic import Alias
from app.operations.aliases import AliasFlags, update_alias
from app.wire.domain import Domain
from tests.web.world import Visitor, World

DOMAIN = Domain("example.com")
BASE = "/admin/domains/example.com"
MEMBERS = ["jane@example.com", "locked@example.com"]


def alias(world: World, localpart: str = "team") -> Alias:
    return world.live.dynamic.domains[DOMAIN].aliases[localpart]


def with_team(world: World) -> Visitor:
    admin = world.admin()
    added = admin.post(f"{BASE}/alias-new", {"localpart": "team", "member": MEMBERS, "post_public": "yes"})
    assert added.status_code == 303
    return admin


def test_an_alias_is_added_changed_and_removed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = with_team(world)
        assert alias(world) == Alias(addresses=tuple(MEMBERS), post_public=True)
        assert "team@example.com" in admin.get(BASE).text
        assert "team@example.com" in admin.get("/admin/accounts/jane").text
        admin.post(f"{BASE}/alias-members", {"name": "team", "member": ["é@example.com"]})
        admin.post(f"{BASE}/alias-member-remove", {"name": "team", "member": "jane@example.com"})
        admin.post(f"{BASE}/alias", {"name": "team", "allow_msg_from": "yes"})
        assert alias(world) == Alias(addresses=("locked@example.com", "é@example.com"), allow_msg_from=True)
        assert "Remove" in admin.get(f"{BASE}/alias-remove?name=team").text
        admin.post(f"{BASE}/alias-remove", {"name": "team"})
        assert not world.live.dynamic.domains[DOMAIN].aliases
        assert admin.get(f"{BASE}/alias?name=team").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"localpart": "", "member": MEMBERS}, "localpart"),
        ({"localpart": "a@b", "member": MEMBERS}, "localpart"),
        ({"localpart": "team", "member": []}, "members"),
        ({"localpart": "team", "members": "stranger@other.example"}, "members"),
        ({"localpart": "jane", "member": MEMBERS}, "members"),
    ],
)
def test_a_wrong_alias_is_explained_and_what_was_typed_stays(
    tmp_path: Path, fields: dict[str, str | list[str]], field: str
) -> None:
    with World(tmp_path) as world:
        response = world.admin().post(f"{BASE}/alias-new", {**fields, "list_members": "yes"})
        assert response.status_code == 422
        assert f'id="{field}-error"' in response.text
        assert 'name="list_members" value="yes" checked' in response.text
        assert not world.live.dynamic.domains[DOMAIN].aliases


def test_the_second_of_two_browsers_is_shown_what_changed_and_may_then_save(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = with_team(world)
        seen = {"was.post_public": "yes", "was.list_members": "no", "was.allow_msg_from": "no"}
        update_alias(world.live, "team@example.com", AliasFlags(post_public=False))
        page = admin.post(f"{BASE}/alias", {"name": "team", "post_public": "yes", "list_members": "yes", **seen})
        assert page.status_code == 409
        assert "Somebody changed this" in page.text
        assert 'name="list_members" value="yes" checked' in page.text, "what was typed is lost"
        assert not alias(world).list_members
        again = {**seen, "was.post_public": "no"}
        assert admin.post(f"{BASE}/alias", {"name": "team", "list_members": "yes", **again}).status_code == 303
        assert alias(world).list_members


def test_the_last_member_stays(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = with_team(world)
        admin.post(f"{BASE}/alias-member-remove", {"name": "team", "member": MEMBERS[0]})
        response = admin.post(f"{BASE}/alias-member-remove", {"name": "team", "member": MEMBERS[1]})
        assert response.status_code == 422
        assert "last member" in response.text


@pytest.mark.parametrize("localpart", ["a/b", "..", "a?b&c=d", 'q"q', "<b>", "ü"])
def test_a_localpart_of_any_letters_has_a_page(tmp_path: Path, localpart: str) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        typed = localpart if localpart in ("a/b", "ü") else '"' + localpart.replace('"', '\\"') + '"'
        assert admin.post(f"{BASE}/alias-new", {"localpart": typed, "member": MEMBERS}).status_code == 303
        (key,) = world.live.dynamic.domains[DOMAIN].aliases
        response = admin.client.get(f"{BASE}/alias", params={"name": key})
        assert response.status_code == 200
        assert "<b>" not in response.text
        response = admin.post(f"{BASE}/alias", {"name": key, "list_members": "yes"})
        assert admin.client.get(response.headers["location"]).status_code == 200
