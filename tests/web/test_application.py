"""Who sees the pages, what signs them in, and which forms are taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.web import signin
from tests.web.world import ADMIN_PASSWORD, PASSWORD, World, csrf_of


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(signin, "WRONG_S", 0.0)
    with World(tmp_path) as made:
        yield made


@pytest.mark.parametrize("path", ["/account/", "/account/signins", "/admin/", "/admin/?from=x"])
def test_pages_ask_to_sign_in_first(world: World, path: str):
    base = path.split("/")[1]
    answer = world.visitor().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/{base}/login")


def test_account_holder_and_administrator_sign_in_with_their_own_passwords(world: World):
    assert "jane@example.com" in world.account().get("/account/").text
    assert world.admin().get("/admin/").status_code == 200
    assert world.visitor("/admin/").sign_in({"password": PASSWORD}).status_code == 403
    assert world.visitor().sign_in({"address": "jane@example.com", "password": ADMIN_PASSWORD}).status_code == 403


def test_account_session_opens_no_admin_page(world: World):
    jane = world.account()
    token = jane.client.cookies.get("mox-account")
    jane.client.cookies.set("mox-admin", token or "", path="/admin/")
    assert jane.get("/admin/").status_code == 303


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("jane@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("jane@example.com\0", PASSWORD),
        ("jane@example.com", "\0"),
        ("jane@example.com", "\0jane@example.com\0" + PASSWORD),
        ("\ud800", PASSWORD),
    ],
)
def test_wrong_sign_in_says_the_same_whatever_is_wrong(world: World, address: str, password: str):
    visitor = world.visitor()
    fields = {"address": address.encode("utf-8", "replace").decode(), "password": password}
    answer = visitor.sign_in(fields)
    assert answer.status_code == 403
    assert "password" in answer.text
    assert password not in answer.text
    assert visitor.get("/account/").status_code == 303


def test_account_that_may_not_sign_in_is_told_why_only_with_its_password(world: World):
    world.accounts.open_now("locked")
    answer = world.visitor().sign_in({"address": "locked@example.com", "password": "some password"})
    assert "closed" not in answer.text


def test_sign_in_form_of_another_site_is_not_taken(world: World):
    visitor = world.visitor()
    fields = {"address": "jane@example.com", "password": PASSWORD}
    assert visitor.post("/account/login", fields, csrf="").status_code == 403
    token = csrf_of(visitor.get("/account/login"))
    visitor.client.headers["Origin"] = "https://evil.example"
    assert visitor.post("/account/login", fields, csrf=token).status_code == 403


def test_signing_in_leads_to_the_page_that_was_asked_for(world: World):
    visitor = world.visitor()
    where = visitor.get("/account/signins?x=1").headers["location"]
    token = csrf_of(visitor.get(where))
    answer = visitor.post(where, {"address": "jane@example.com", "password": PASSWORD}, csrf=token)
    assert answer.headers["location"] == "/account/signins?x=1"


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "https://evil.example/", "x", "/\r\nX: y"])
def test_signing_in_never_leads_elsewhere(world: World, path: str):
    visitor = world.visitor()
    visitor.client.params = visitor.client.params.set("next", path)
    token = csrf_of(visitor.get("/account/login"))
    answer = visitor.post("/account/login", {"address": "jane@example.com", "password": PASSWORD}, csrf=token)
    assert answer.headers["location"] == "/account/"


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World):
    visitor = world.visitor()
    visitor.client.base_url = "https://mx.example.com"
    answer = visitor.sign_in({"address": "jane@example.com", "password": PASSWORD})
    cookie = next(one for one in answer.headers.get_list("set-cookie") if "mox-account=" in one).lower()
    assert cookie.startswith("__host-mox-account=")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_form_without_the_sessions_token_is_not_taken(world: World, token: str):
    jane = world.account()
    assert jane.post("/account/logout", {}, csrf=token).status_code == 409
    assert jane.get("/account/").status_code == 200


def test_form_from_another_site_is_not_taken_even_with_the_token(world: World):
    jane = world.account()
    jane.client.headers["Sec-Fetch-Site"] = "cross-site"
    assert jane.post("/account/logout", {}).status_code == 409


def test_signing_out_ends_the_session_for_good(world: World):
    jane = world.account()
    token = jane.client.cookies.get("mox-account") or ""
    assert jane.post("/account/logout", {}).status_code == 303
    jane.client.cookies.set("mox-account", token, path="/account/")
    assert jane.get("/account/").status_code == 303


def test_wrong_passwords_are_limited(world: World):
    visitor = world.visitor("/admin/")
    answers = [visitor.sign_in({"password": f"wrong {number}"}).text for number in range(12)]
    assert "too many" in answers[-1]
    assert visitor.sign_in({"password": ADMIN_PASSWORD}).status_code == 403


def test_too_large_or_strange_forms_are_refused(world: World):
    jane = world.account()
    assert jane.post("/account/logout", {"x": "y" * (1 << 20)}).status_code == 409
    assert jane.post("/account/logout", {f"f{number}": "" for number in range(3000)}).status_code == 409
    answer = jane.client.post("/account/logout", content=b"\xff=%ff", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 409


def test_unknown_page_is_a_page_that_leads_back(world: World):
    answer = world.account().get("/account/nowhere/<script>")
    assert answer.status_code == 404
    assert 'href="/account/"' in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80", "[::1]evil.example", ""])
def test_name_of_somebody_else_shows_nothing_even_with_a_session(world: World, host: str):
    jane = world.account()
    answer = jane.client.get("/account/", headers={"Host": host}, follow_redirects=False)
    assert answer.status_code == 421
    assert "mx.example.com" in answer.text


@pytest.mark.parametrize("host", ["mx.example.com", "example.com:1080", "127.0.0.1:1080", "[::1]", "localhost"])
def test_own_names_and_addresses_show_the_pages(world: World, host: str):
    answer = world.visitor().client.get("/account/login", headers={"Host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/account", "/admin/login/", "/admin/static/page.js/", "//admin", "/account//"])
def test_redirects_stay_on_the_same_host(world: World, path: str):
    answer = world.visitor().client.get(path, headers={"Host": "localhost:9"}, follow_redirects=False)
    assert answer.status_code in (308, 404)
    assert answer.headers.get("location", "/account/") == "/account/"


@pytest.mark.parametrize("planted", ["", "abc", "x" * 9000, "a" * 21 + ";", '"a\\012b"'])
def test_sign_in_form_goes_by_no_token_but_our_own(world: World, planted: str):
    visitor = world.visitor()
    visitor.client.cookies.set("mox-login-account", planted, path="/account/")
    shown = visitor.get("/account/login")
    assert csrf_of(shown) != planted
    assert all(planted not in field for field in shown.headers.get_list("set-cookie") if planted)
    answer = visitor.client.post("/account/login", data={"csrf": planted, "address": "x", "password": "y"})
    assert answer.status_code == 403


def test_cookie_of_the_sign_in_form_cannot_be_set_by_other_names(world: World):
    visitor = world.visitor()
    visitor.client.base_url = "https://mx.example.com"
    assert visitor.get("/account/login").headers["set-cookie"].startswith("__Host-mox-login-account=")
