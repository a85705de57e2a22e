"""Sign-ins, the administrator's sessions and password, and log levels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.log import SETTINGS, Level
from tests.web.world import ADMIN_PASSWORD, World

SCRIPT = "<script>alert(1)</script>"


def test_attempts_are_filtered_and_what_strangers_say_is_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        stranger = world.visitor()
        stranger.client.headers["user-agent"] = SCRIPT
        stranger.sign_in({"address": f"{SCRIPT}@example.com", "password": "wrong"})
        stranger.sign_in({"address": "jane@example.com", "password": "wrong"})
        admin = world.admin()
        everything = admin.get("/admin/signins").text
        assert SCRIPT not in everything
        assert "&lt;script&gt;" in everything
        assert "unknown user" in everything
        assert "unknown user" not in admin.get("/admin/signins?account=jane").text.split("<tbody>")[-1]
        assert "Nothing matches" in admin.get("/admin/signins?account=(admin)&failed=yes").text
        assert admin.get(f"/admin/signins?account={SCRIPT}").status_code == 200


def test_other_sessions_are_ended_and_only_those_of_administrators(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, other, admin = world.account(), world.admin(), world.admin()
        numbers = re.findall(r"/admin/sessions/(\d+)/end", admin.get("/admin/signins").text)
        assert len(numbers) == 1
        admin.post("/admin/sessions/1/end", {})  # jane's
        assert jane.get("/account/").status_code == 200
        admin.post(f"/admin/sessions/{numbers[0]}/end", {})
        assert other.get("/admin/").status_code == 303
        assert admin.get("/admin/").status_code == 200


def test_a_new_password_ends_all_other_sessions_and_keeps_this_one(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        other, admin, jane = world.admin(), world.admin(), world.account()
        fields = {"present": ADMIN_PASSWORD, "new": "another long one", "again": "another long one"}
        assert admin.post("/admin/password", fields).status_code == 303
        assert admin.get("/admin/").status_code == 200
        assert other.get("/admin/").status_code == 303
        assert jane.get("/account/").status_code == 200
        assert world.visitor("/admin/").sign_in({"password": ADMIN_PASSWORD}).status_code == 403
        assert world.visitor("/admin/").sign_in({"password": "another long one"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [({"present": "wrong"}, "present"), ({"new": "short", "again": "short"}, "new"), ({"again": "x"}, "again")],
)
def test_a_password_is_not_changed_when_something_is_wrong(tmp_path: Path, change: dict[str, str], field: str) -> None:
    with World(tmp_path) as world:
        before = (tmp_path / "config" / "adminpasswd").read_bytes()
        fields = {"present": ADMIN_PASSWORD, "new": "another long one", "again": "another long one", **change}
        response = world.admin().post("/admin/password", fields)
        assert response.status_code == 422
        assert f'id="{field}-error"' in response.text
        assert "another long one" not in response.text
        assert (tmp_path / "config" / "adminpasswd").read_bytes() == before


@pytest.fixture
def _levels() -> Iterator[None]:
    default, packages = SETTINGS.default, dict(SETTINGS.packages)
    yield
    SETTINGS.default, SETTINGS.packages = default, packages


@pytest.mark.usefixtures("_levels")
def test_log_levels_are_set_shown_with_a_warning_and_removed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        warning = "Passwords or messages are being written"
        admin.post("/admin/loglevels", {"package": "queue", "level": "trace"})
        assert SETTINGS.packages["queue"] is Level.TRACE
        assert warning not in admin.get("/admin/loglevels").text
        admin.post("/admin/loglevels", {"package": "queue", "level": "traceauth"})
        assert warning in admin.get("/admin/loglevels").text
        admin.post("/admin/loglevels/clear", {"package": "queue"})
        assert "queue" not in SETTINGS.packages
        admin.post("/admin/loglevels", {"package": "", "level": "warn"})
        assert SETTINGS.default is Level.WARN
        response = admin.post("/admin/loglevels", {"package": SCRIPT, "level": "loud"})
        assert response.status_code == 422
        assert SCRIPT not in response.text
