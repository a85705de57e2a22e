"""The administrator's pages about the settings of an account, and about removing it and bringing it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config.dynamic import Account
from app.operations.accountsettings import set_full_name
from app.web.admin.accountsettings import parse_size, write_size
from tests.web.world import PASSWORD, World

BASE = "/admin/accounts/locked"
LIMITS = {"quota": "own", "quota_size": "2 GB", "outgoing": "10", "first_time": "5"}


def account(world: World) -> Account:
    return world.live.dynamic.accounts["locked"]


def test_limits_and_names_are_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        assert admin.post(f"{BASE}/settings/limits", {**LIMITS, "made_only": "yes"}).status_code == 303
        assert admin.post(f"{BASE}/settings/about", {"full_name": "Lo Cked", "description": "x"}).status_code == 303
        found = account(world)
        assert (found.quota_message_size, found.max_outgoing_messages_per_day) == (2 * 10**9, 10)
        assert (found.max_first_time_recipients_per_day, found.no_custom_password) == (5, True)
        assert (found.full_name, found.description) == ("Lo Cked", "x")
        assert 'value="2 GB"' in admin.get(f"{BASE}/settings").text
        admin.post(f"{BASE}/settings/limits", {**LIMITS, "quota": "none"})
        assert account(world).quota_message_size == -1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"quota_size": ""}, "quota_size"),
        ({"quota_size": "much"}, "quota_size"),
        ({"quota": "x"}, "quota"),
        ({"outgoing": "-1"}, "outgoing"),
        ({"outgoing": "1e3"}, "outgoing"),
        ({"first_time": ""}, "first_time"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, fields: dict[str, str], field: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        response = world.admin().post(f"{BASE}/settings/limits", {**LIMITS, "made_only": "yes", **fields})
        assert response.status_code == 422
        assert f'id="{field}-error"' in response.text
        assert 'name="made_only" value="yes" checked' in response.text
        assert world.live.domains_path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "size"),
    [("500", 500), ("2GB", 2 * 10**9), ("2.5 gb", 2_500_000_000), ("1 k", 1000), ("0.5M", 500_000), ("1T", 10**12)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(write_size(size)) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1 XB", "1,5 GB", "9" * 16, "2000 TB", "1..2 GB", "٣ GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="please give a size"):
        parse_size(text)


def test_the_second_of_two_browsers_is_shown_what_changed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        set_full_name(world.live, "locked", "Theirs")
        fields = {"full_name": "Mine", "description": "", "was.full_name": "", "was.description": ""}
        response = admin.post(f"{BASE}/settings/about", fields)
        assert response.status_code == 409
        assert "“Theirs”" in response.text
        assert 'value="Mine"' in response.text
        assert account(world).full_name == "Theirs"


def test_an_account_is_removed_after_asking_and_brought_back_with_its_password(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post("/admin/accounts-new", {"localpart": "bob", "domain": "example.com"})
        admin.post("/admin/accounts/bob/password", {"new": PASSWORD})
        bob = world.visitor()
        bob.sign_in({"address": "bob@example.com", "password": PASSWORD})
        assert "bob@example.com" in admin.get("/admin/accounts-remove?account=bob").text
        assert "bob" in world.live.dynamic.accounts, "asking must not remove"
        assert admin.post("/admin/accounts-remove", {"account": "bob"}).status_code == 303
        assert "bob" not in world.live.dynamic.accounts
        assert bob.get("/account/").status_code == 303
        page = admin.get("/admin/accounts-removed").text
        found = re.search(r'name="id" value="([^"]+)"', page)
        assert found is not None
        assert admin.post("/admin/accounts-restore", {"id": found[1]}).status_code == 303
        again = world.visitor().sign_in({"address": "bob@example.com", "password": PASSWORD})
        assert again.status_code == 303


def test_erasing_asks_and_then_is_for_good(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post("/admin/accounts-remove", {"account": "locked"})
        found = re.search(r'name="id" value="([^"]+)"', admin.get("/admin/accounts-removed").text)
        assert found is not None
        assert "cannot be undone" in admin.get(f"/admin/accounts-erase?id={found[1]}").text
        assert admin.post("/admin/accounts-erase", {"id": found[1]}).status_code == 303
        assert "No account was removed" in admin.get("/admin/accounts-removed").text
        assert admin.post("/admin/accounts-erase", {"id": "../accounts"}).status_code == 404


def test_an_account_that_is_needed_is_not_removed_and_the_page_says_by_what(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        response = world.admin().post("/admin/accounts-remove", {"account": "jane"})
        assert response.status_code == 422
        assert "Postmaster in mox.conf" in response.text
        assert "jane" in world.live.dynamic.accounts
