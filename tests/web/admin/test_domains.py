"""The administrator's pages about domains: list, add, addresses, switch, remove."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.wire.domain import Domain
from tests.support.configuration import DOMAINS_CONF
from tests.web.world import World

SCRIPT = "<script>alert(1)</script>"
NEW = Domain("new.example")


def test_a_domain_is_added_with_a_new_account_and_its_records_are_shown(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        fields = {"domain": "new.example", "account": "/", "name": "bob", "localpart": "bob"}
        response = world.admin().post("/admin/domains-new", fields)
        assert (response.status_code, response.headers["location"]) == (303, "/admin/domains/new.example/dns")
        assert list(world.live.dynamic.accounts["bob"].destinations) == ["bob@new.example"]
        page = world.admin().get("/admin/domains/new.example/dns").text
        assert "v=DMARC1" in page
        assert "_domainkey" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"domain": "", "account": "jane"}, "Please fill this in."),
        ({"domain": "not a domain", "account": "jane"}, "label"),
        ({"domain": "example.com", "account": "jane"}, "There is a domain example.com already."),
        ({"domain": "new.example", "account": "nobody"}, "Please choose one of the options."),
        ({"domain": "new.example", "account": "/", "name": "jane", "localpart": "x"}, "jane"),
        ({"domain": "new.example", "account": "/", "name": "bob", "localpart": "a@b"}, "before the @"),
        ({"domain": "new.example", "account": "/", "name": "a/b", "localpart": "x"}, "name of a directory"),
    ],
)
def test_what_is_wrong_about_a_new_domain_stands_in_the_form_and_nothing_is_saved(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        response = world.admin().post("/admin/domains-new", fields)
        assert response.status_code == 422
        assert words in response.text
        assert f'value="{fields["domain"]}"' in response.text, "what was typed is lost"
        assert world.live.domains_path.read_bytes() == before


def test_an_address_and_everything_else_are_added_and_taken_away(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post("/admin/domains/example.com/addresses", {"localpart": "shop", "account": "jane"})
        response = admin.post("/admin/domains/example.com/addresses", {"everything": "yes", "account": "jane"})
        assert response.status_code == 303
        page = admin.get("/admin/domains/example.com").text
        assert "shop@example.com" in page
        assert "everything else at example.com" in page
        for key in ("shop@example.com", "@example.com"):
            assert "Take" in admin.get(f"/admin/addresses-remove?address={key}").text
            assert key in world.live.dynamic.accounts["jane"].destinations, "asking must not remove"
            assert admin.post("/admin/addresses-remove", {"address": key}).status_code == 303
            assert key not in world.live.dynamic.accounts["jane"].destinations


@pytest.mark.parametrize("localpart", ["", "jane", "JANE", "a@b", "a b", "x" * 300])
def test_a_wrong_address_is_explained_beside_the_field(tmp_path: Path, localpart: str) -> None:
    with World(tmp_path) as world:
        fields = {"localpart": localpart, "account": "locked"}
        response = world.admin().post("/admin/domains/example.com/addresses", fields)
        assert response.status_code == 422
        assert 'id="localpart-error"' in response.text
        assert len(world.live.dynamic.accounts["locked"].destinations) == 1


def test_a_domain_is_switched_off_and_on_and_the_history_says_who_did_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin, domain = world.admin(), Domain("example.com")
        admin.post("/admin/domains/example.com/switch", {"disabled": "yes"})
        assert world.live.dynamic.domains[domain].disabled
        assert "switched off" in admin.get("/admin/domains").text
        admin.post("/admin/domains/example.com/switch", {})
        assert not world.live.dynamic.domains[domain].disabled
        assert world.live.history.list()[0].by.startswith("admin page from ")


def test_a_domain_in_use_is_not_removed_and_the_page_says_what_uses_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post("/admin/domains-new", {"domain": "new.example", "account": "jane"})
        response = admin.post("/admin/domains/example.com/remove", {})
        assert response.status_code == 422
        assert "jane@example.com" in response.text
        assert admin.post("/admin/domains/new.example/remove", {}).status_code == 303
        assert NEW not in world.live.dynamic.domains


def test_a_hostile_description_is_shown_as_text(tmp_path: Path) -> None:
    conf = DOMAINS_CONF.replace("\texample.com:\n", f"\texample.com:\n\t\tDescription: {SCRIPT}\n", 1)
    with World(tmp_path, domains_conf=conf) as world:
        for path in ("domains", "domains/example.com"):
            page = world.admin().get(f"/admin/{path}").text
            assert SCRIPT not in page
            assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "path", ["domains/nothing.example", "domains/a%20b", "accounts/nobody", "accounts/%3Cscript%3E", "accounts/jane/x"]
)
def test_what_is_not_there_is_a_page_that_says_so(tmp_path: Path, path: str) -> None:
    with World(tmp_path) as world:
        response = world.admin().get(f"/admin/{path}")
        assert response.status_code == 404
        assert "<script>" not in response.text


def test_pages_of_the_administrator_are_not_for_account_holders(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        response = world.account().get("/admin/domains")
        assert (response.status_code, response.headers["location"]) == (303, "/admin/login?next=/domains")
