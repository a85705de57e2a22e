"""Configuration files as text: checked, compared, saved in one step, and taken back."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest

from app.wire.domain import Domain
from tests.support.configuration import DOMAINS_CONF, MOX_CONF
from tests.web.world import Visitor, World

SCRIPT = "<script>alert(1)</script>"
DOMAINS = "/admin/configuration/domains.conf"
NEW = DOMAINS_CONF.replace("Accounts:", "\tnew.example: nil\nAccounts:", 1)


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def check(admin: Visitor, text: str, path: str = DOMAINS) -> httpx.Response:
    """Show the file, put in a text, look at what it would change."""
    seen = hidden(admin.get(path), "seen")
    return admin.post(f"{path}/check", {"text": text.replace("\n", "\r\n"), "seen": seen})


def save(admin: Visitor, checked: httpx.Response, text: str, path: str = DOMAINS, note: str = "") -> httpx.Response:
    fields = {name: hidden(checked, name) for name in ("seen", "checked")}
    return admin.post(f"{path}/save", {"text": text.replace("\n", "\r\n"), "note": note, **fields})


def test_a_change_is_shown_first_then_saved_and_in_effect_and_in_the_history(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        checked = check(admin, NEW)
        assert checked.status_code == 200
        assert '<span class="added">+\tnew.example: nil</span>' in checked.text
        assert world.live.domains_path.read_text() == DOMAINS_CONF, "a check must not save"
        assert save(admin, checked, NEW, note=f"for {SCRIPT}").status_code == 303
        assert world.live.domains_path.read_text() == NEW
        assert Domain("new.example") in world.live.dynamic.domains
        for path in (f"{DOMAINS}/history", f"{DOMAINS}/history/2", "/admin/configuration"):
            page = admin.get(path).text
            assert SCRIPT not in page
            assert "for &lt;script&gt;" in page
            assert "admin page from" in page


def test_every_problem_is_told_with_its_line_and_nothing_is_lost_or_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        wrong = DOMAINS_CONF.replace("+", "+\n\t\tNothing: <b>", 1).replace("jane@example.com: nil", "jane@: nil")
        page = check(world.admin(), wrong)
        assert page.status_code == 422
        assert "Line 4: " in page.text
        assert "Line 9: " in page.text
        assert "Nothing: &lt;b&gt;" in page.text
        assert 'formaction="/admin/configuration/domains.conf/save"' not in page.text
        assert world.live.domains_path.read_text() == DOMAINS_CONF


@pytest.mark.parametrize("text", ["", "\x00", "Domains", "\tA: b\n", "x" * 100_000, "\udcff"])
def test_garbage_is_a_problem_and_never_a_fault_of_the_program(tmp_path: Path, text: str) -> None:
    with World(tmp_path) as world:
        page = check(world.admin(), text.encode("utf-8", "replace").decode())
        assert page.status_code == 422
        assert "nothing is saved" in page.text


def test_only_a_text_that_was_checked_is_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        response = save(admin, check(admin, NEW), NEW.replace("new.example", "other.example"))
        assert response.status_code == 200
        assert "other.example" in response.text
        assert world.live.domains_path.read_text() == DOMAINS_CONF


def test_the_second_of_two_who_save_sees_what_the_first_changed_and_may_save_then(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        first, second = world.admin(), world.admin()
        other = DOMAINS_CONF.replace("Separator: +", "Separator: -")
        checked = check(second, other)
        save(first, check(first, NEW), NEW)
        conflict = save(second, checked, other)
        assert conflict.status_code == 409
        assert "Somebody changed the file" in conflict.text
        assert '<span class="added">+\tnew.example: nil</span>' in conflict.text
        assert '<span class="removed">-\tnew.example: nil</span>' in conflict.text
        assert world.live.domains_path.read_text() == NEW
        assert save(second, conflict, other).status_code == 303
        assert world.live.domains_path.read_text() == other


def test_a_version_is_made_the_file_again_unless_somebody_else_saved_meanwhile(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        save(admin, check(admin, NEW), NEW)
        page = admin.get(f"{DOMAINS}/history/1")
        assert '<span class="removed">-\tnew.example: nil</span>' in page.text
        stale = admin.post(f"{DOMAINS}/history/1/restore", {"seen": "0" * 64})
        assert (stale.status_code, "somebody else" in stale.text) == (409, True)
        assert admin.post(f"{DOMAINS}/history/1/restore", {"seen": hidden(page, "seen")}).status_code == 303
        assert world.live.domains_path.read_text() == DOMAINS_CONF
        assert "version 1 restored" in admin.get(f"{DOMAINS}/history").text


def test_mox_conf_waits_for_the_next_start_and_hides_its_passwords(tmp_path: Path) -> None:
    transports = """Transports:
\trelay:
\t\tSubmissions:
\t\t\tHost: relay.example
\t\t\tAuth:
\t\t\t\tUsername: mox
\t\t\t\tPassword: topsecret
"""
    path = "/admin/configuration/mox.conf"
    with World(tmp_path, mox_conf=MOX_CONF + transports) as world:
        admin = world.admin()
        page = admin.get(path)
        assert "topsecret" not in page.text
        shown = html.unescape(page.text.split("<textarea")[1].split(">\n", 1)[1].split("</textarea>")[0])
        changed = shown.replace("Hostname: mx.example.com", "Hostname: mx2.example.com")
        assert save(admin, check(admin, changed, path), changed, path).status_code == 303
        assert "topsecret" in world.live.path.read_text()
        assert "mx2.example.com" in world.live.path.read_text()
        for where in ("/admin/configuration", f"{path}/history/1", f"{path}/history/2"):
            page = admin.get(where)
            assert "topsecret" not in page.text
        assert "since the server started" in admin.get("/admin/configuration").text


@pytest.mark.parametrize(
    "path", ["nothing.conf", "..%2Fadminpasswd", "domains.conf/history/99", "domains.conf/history/x"]
)
def test_other_files_and_versions_are_not_there(tmp_path: Path, path: str) -> None:
    with World(tmp_path) as world:
        assert world.admin().get(f"/admin/configuration/{path}").status_code == 404
