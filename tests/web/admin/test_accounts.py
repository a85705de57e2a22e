"""The administrator's pages about accounts: list, add, password, sign-ins, shutting out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.web.world import PASSWORD, World

_MADE = re.compile(r"Password: <span class=\"copy\"><code>([^<]+)</code>")


def test_an_account_is_named_after_its_address_and_its_password_shown_once(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        page = admin.post("/admin/accounts-new", {"localpart": "Bob", "domain": "example.com", "name": ""})
        assert page.status_code == 200
        assert list(world.live.dynamic.accounts["bob"].destinations) == ["Bob@example.com"]
        made = _MADE.search(page.text)
        assert made is not None
        signed_in = world.visitor().sign_in({"address": "bob@example.com", "password": made[1]})
        assert signed_in.status_code == 303
        assert made[1] not in admin.get("/admin/accounts/bob").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"localpart": "", "domain": "example.com"}, "Please fill this in."),
        ({"localpart": "bob", "domain": "other.example"}, "Please choose one of the options."),
        ({"localpart": "bob", "domain": "example.com", "name": "jane"}, "there is an account"),
        ({"localpart": "jane", "domain": "example.com", "name": "bob"}, "already"),
        ({"localpart": "bob", "domain": "example.com", "name": "../x"}, "directory"),
        ({"localpart": "bob", "domain": "example.com", "name": "b\nb"}, "line break"),
    ],
)
def test_what_is_wrong_about_a_new_account_stands_in_the_form_and_nothing_is_saved(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        response = world.admin().post("/admin/accounts-new", fields)
        assert response.status_code == 422
        assert words.lower() in response.text.lower()
        assert world.live.domains_path.read_bytes() == before


def test_a_new_password_signs_out_the_browsers_of_the_account(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, admin = world.account(), world.admin()
        assert admin.post("/admin/accounts/jane/password", {"new": "short"}).status_code == 422
        assert jane.get("/account/").status_code == 200
        assert admin.post("/admin/accounts/jane/password", {"new": "a new long one"}).status_code == 303
        assert jane.get("/account/").status_code == 303
        fields = {"address": "jane@example.com", "password": "a new long one"}
        assert world.visitor().sign_in(fields).status_code == 303


def test_a_typed_password_is_never_given_back(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        page = world.admin().post("/admin/accounts/jane/password", {"new": "sh0rt"})
        assert "at least 8" in page.text.lower()
        assert "sh0rt" not in page.text


def test_an_account_is_closed_with_a_reason_and_opened_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, admin = world.account(), world.admin()
        assert admin.post("/admin/accounts/jane/login", {"disable": "yes", "reason": ""}).status_code == 422
        assert admin.post("/admin/accounts/jane/login", {"disable": "yes", "reason": "é"}).status_code == 422
        admin.post("/admin/accounts/jane/login", {"disable": "yes", "reason": "gone"})
        assert world.live.dynamic.accounts["jane"].login_disabled == "gone"
        assert jane.get("/account/").status_code == 303
        assert "cannot sign in" in admin.get("/admin/accounts").text
        admin.post("/admin/accounts/jane/login", {})
        assert world.visitor().sign_in({"address": "jane@example.com", "password": PASSWORD}).status_code == 303


def test_sessions_of_an_account_are_listed_and_ended(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, admin = world.account(), world.admin()
        page = admin.get("/admin/accounts/jane/signins").text
        ends = re.findall(r'action="(/admin/accounts/jane/sessions/\d+/end)"', page)
        assert len(ends) == 1
        assert admin.post(ends[0].replace("jane", "locked"), {}).status_code == 303
        assert jane.get("/account/").status_code == 200, "a session was ended as that of another account"
        admin.post(ends[0], {})
        assert jane.get("/account/").status_code == 303
        other = world.account()
        admin.post("/admin/accounts/jane/sessions/end-all", {})
        assert other.get("/account/").status_code == 303
        assert admin.get("/admin/").status_code == 200


def test_no_form_of_the_administrator_works_without_its_token(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        before = world.live.domains_path.read_bytes()
        for path in ("accounts/jane/login", "accounts/jane/password", "addresses-remove", "domains/example.com/switch"):
            fields = {"disable": "yes", "reason": "x", "new": "long enough", "address": "jane@example.com"}
            assert admin.post(f"/admin/{path}", fields, csrf="").status_code == 409
        assert world.live.domains_path.read_bytes() == before
