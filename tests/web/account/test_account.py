"""Password, sign-ins, sessions and devices of an account, and what holds for all of its pages."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path

import pytest

from app.operations.accountsettings import set_full_name
from app.web import signin
from tests.support.configuration import DOMAINS_CONF
from tests.web.public import world as public
from tests.web.world import PASSWORD, World

SCRIPT = "<script>alert(1)</script>"
NEW = "another long one"
FIELDS = {"present": PASSWORD, "new": NEW, "again": NEW}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "WRONG_S", 0.0)


def signs_in(world: World, password: str) -> bool:
    visitor = world.visitor()
    return visitor.sign_in({"address": "jane@example.com", "password": password}).status_code == 303


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, other = world.account(), world.account()
        assert jane.post("/account/password", FIELDS).status_code == 303
        assert jane.get("/account/").status_code == 200
        assert other.get("/account/").status_code == 303
        assert (signs_in(world, PASSWORD), signs_in(world, NEW)) == (False, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"present": "wrong"}, "present"),
        ({"present": ""}, "present"),
        ({"new": "short", "again": "short"}, "new"),
        ({"again": "x"}, "again"),
    ],
)
def test_a_password_is_not_changed_when_something_is_wrong(tmp_path: Path, change: dict[str, str], field: str) -> None:
    with World(tmp_path) as world:
        page = world.account().post("/account/password", {**FIELDS, **change})
        assert page.status_code == 422
        assert f'id="{field}-error"' in page.text
        assert NEW not in page.text
        assert signs_in(world, PASSWORD)


def test_where_passwords_are_made_one_is_shown_once_and_none_can_be_chosen(tmp_path: Path) -> None:
    conf = DOMAINS_CONF.replace("\tjane:\n", "\tjane:\n\t\tNoCustomPassword: true\n")
    with World(tmp_path, domains_conf=conf) as world:
        jane = world.account()
        assert 'name="new"' not in jane.get("/account/password").text
        assert jane.post("/account/password", FIELDS).status_code == 422
        page = jane.post("/account/password/made", {"present": PASSWORD})
        found = re.search(r"<code>([^<]+)</code>", page.text)
        assert found is not None
        assert (signs_in(world, PASSWORD), signs_in(world, found[1])) == (False, True)


def test_made_password_needs_the_present_one(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert world.account().post("/account/password/made", {"present": "wrong"}).status_code == 422
        assert signs_in(world, PASSWORD)


def test_sign_ins_of_this_account_are_listed_and_what_clients_say_is_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        stranger = world.visitor()
        stranger.client.headers["user-agent"] = SCRIPT
        stranger.sign_in({"address": "jane@example.com", "password": "wrong"})
        stranger.sign_in({"address": "locked@example.com", "password": "wrong"})
        page = world.account().get("/account/signins").text
        assert "wrong password" in page
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page
        assert "switched off" not in page, "attempts of another account"


def test_sessions_are_ended_one_by_one_or_all_others_and_only_own_ones(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin, first, second, jane = world.admin(), world.account(), world.account(), world.account()
        ends = sorted(map(int, re.findall(r"/account/sessions/(\d+)/end", jane.get("/account/signins").text)))
        assert len(ends) == 2
        jane.post("/account/sessions/1/end", {})  # the administrator's
        assert admin.get("/admin/").status_code == 200
        jane.post(f"/account/sessions/{ends[0]}/end", {})
        assert (first.get("/account/").status_code, second.get("/account/").status_code) == (303, 200)
        jane.post("/account/sessions/end-others", {})
        assert (second.get("/account/").status_code, jane.get("/account/").status_code) == (303, 200)
        assert jane.post("/account/sessions/x/end", {}).status_code == 404


def test_every_form_needs_the_token_of_the_session(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, other = world.account(), world.account()
        paths = ("password", "password/made", "sessions/end-others", "sessions/2/end", "junk/flags", "junk/try")
        for path in (*paths, "junk/rejects", "addresses/one/settings", "addresses/all/name", "addresses/rules"):
            for token in ("", other.csrf):
                assert jane.post(f"/account/{path}", FIELDS, csrf=token).status_code == 409, path
        assert signs_in(world, PASSWORD)


def test_devices_are_set_up_with_the_name_of_the_holder_for_own_addresses_only(tmp_path: Path) -> None:
    with World(tmp_path, mox_conf=public.MOX_CONF) as world:
        jane = world.account()
        set_full_name(world.live, "jane", "Jane <Doe> & Co")
        page = jane.get("/account/devices?address=jane@example.com").text
        assert 'data-copy="jane@example.com"' in page
        profile = jane.get("/account/devices/profile?address=jane@example.com")
        assert profile.headers["content-type"].startswith("application/x-apple-aspen-config")
        assert plistlib.loads(profile.content)["PayloadContent"][0]["EmailAccountName"] == "Jane <Doe> & Co"
        for path in ("devices", "devices/profile"):
            assert jane.get(f"/account/{path}?address=locked@example.com").status_code == 404


def test_devices_page_says_what_is_missing_where_there_is_no_imap(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        page = world.account().get("/account/devices")
        assert page.status_code == 200
        assert "No device can be set up now" in page.text


def test_no_link_of_the_pages_is_dead(tmp_path: Path) -> None:
    with World(tmp_path, mox_conf=public.MOX_CONF) as world:
        jane = world.account()
        waiting, seen = ["/account/"], {"/account/"}
        while waiting:
            page = jane.get(waiting.pop())
            assert page.status_code == 200, page.url
            if not page.headers["content-type"].startswith("text/html"):
                continue
            for link in re.findall(r' href="(/[^"#]*)', page.text):
                path = link.replace("&amp;", "&")
                if path not in seen:
                    seen.add(path)
                    waiting.append(path)
        assert "/account/addresses/rules?address=jane%40example.com" in seen
